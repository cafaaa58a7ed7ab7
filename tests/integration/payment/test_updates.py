"""Changing what a merchant attached to a payment."""

import uuid
from typing import Any

import pytest

from paykit.errors import EtagMismatch
from paykit.serve.validation.update_masks import UpdateMaskInvalid
from paystream.payment.v1 import payment_pb2 as pb
from services.payment.domain.payment import PaymentNotFound
from tests.integration.payment.conftest import ANY, House


async def update(house: House, payment_id: str, *paths: str, **fields: Any) -> pb.Payment:
    request = pb.UpdatePaymentRequest(request_id=str(uuid.uuid4()), payment=pb.Payment(payment_id=payment_id, **fields))
    request.update_mask.paths.extend(paths)
    return (await house.call.UpdatePayment(request, ANY)).payment


async def test_metadata_changes_as_a_whole_in_any_state_and_is_told_by_no_event(house: House) -> None:
    payment = await house.create(metadata={"till": "4", "clerk": "ann"})
    once = await update(house, payment.payment_id, "metadata", metadata={"till": "5"}, etag=payment.etag)
    again = await update(house, payment.payment_id, "metadata", metadata={"till": "5"})
    await house.submit()
    emptied = await update(house, payment.payment_id, "metadata", capture_id="cap_not_looked_at")

    assert (dict(once.metadata), once.etag) == ({"till": "5"}, "v1b")
    assert again == once
    assert (dict(emptied.metadata), emptied.state, emptied.etag) == ({}, pb.PAYMENT_STATE_SUCCEEDED, "v2c")
    assert await house.get(payment.payment_id) == emptied
    assert await house.told_types(payment.payment_id) == ["PaymentCreated", "PaymentSuccess"]


async def test_an_old_etag_is_refused_also_after_metadata_alone_has_changed(house: House) -> None:
    created, authorized = await house.create(), await house.authorized()
    for payment in (created, await house.get(authorized.payment_id)):
        await update(house, payment.payment_id, "metadata", metadata={"till": "5"})
        with pytest.raises(EtagMismatch):
            await update(house, payment.payment_id, "metadata", metadata={"till": "6"}, etag=payment.etag)
        with pytest.raises(EtagMismatch):
            await house.cancel(payment.payment_id, etag=payment.etag)
        assert dict((await house.get(payment.payment_id)).metadata) == {"till": "5"}


@pytest.mark.parametrize("path", ["", "amount", "amount.amount_minor", "nothing", "*"])
async def test_what_cannot_be_updated_is_named(house: House, path: str) -> None:
    payment = await house.create()
    with pytest.raises(UpdateMaskInvalid) as refused:
        await update(house, payment.payment_id, *([path] if path else []), metadata={"till": "5"})
    assert refused.value.field == "update_mask"
    assert refused.value.metadata == {"path": path, "updatable": "metadata"}
    assert await house.get(payment.payment_id) == payment


async def test_a_payment_that_is_not_there_cannot_be_updated(house: House) -> None:
    with pytest.raises(PaymentNotFound):
        await update(house, "pay_" + "f" * 32, "metadata")
