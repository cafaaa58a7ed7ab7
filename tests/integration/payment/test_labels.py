"""What merchants attach to captures and refunds: references that name one thing of a kind, and metadata."""

import asyncio
import uuid
from collections.abc import Sequence
from typing import Any

import pytest

from paykit.cause import Cause
from paykit.errors import DomainError
from paykit.ids import new_id
from paykit.merchants.labels import Labels
from paykit.merchants.standing import MerchantReferenceTaken
from paykit.postgres.database import Tx
from paystream.common.v1.money_pb2 import Money
from paystream.payment.v1 import events
from paystream.payment.v1 import payment_pb2 as pb
from services.payment import commands
from services.payment.commands.refund import CreateRefund
from services.payment.domain.refund import Refund
from tests.integration.payment.conftest import House

LABELS: dict[str, Any] = {"merchant_reference": "return 7", "metadata": {"clerk": "Ada", "shelf": "B 12"}}


async def test_a_refund_keeps_its_reference_and_metadata_and_is_found_by_the_reference(house: House) -> None:
    payment = await house.paid()
    refund = await house.refund(payment.payment_id, 1_000, **LABELS)
    plain = await house.refund(payment.payment_id, 1_000)
    assert (refund.merchant_reference, dict(refund.metadata)) == ("return 7", {"clerk": "Ada", "shelf": "B 12"})
    assert (plain.merchant_reference, dict(plain.metadata)) == ("", {})
    assert await house.get_refund(refund.refund_id) == refund
    wanted = pb.ListRefundsRequest(merchant_id=house.merchant_id, merchant_reference="return 7")
    assert list((await house.call.ListRefunds(wanted, None)).refunds) == [refund]
    wanted.merchant_reference = "return 8"
    assert list((await house.call.ListRefunds(wanted, None)).refunds) == []


async def test_a_capture_keeps_its_reference_and_metadata(house: House) -> None:
    payment = await house.authorized()
    capture = await house.capture(payment.payment_id, 4_000, **LABELS)
    await house.submit()
    [shown] = await house.captures(payment.payment_id)
    assert (shown.capture_id, shown.state) == (capture.capture_id, pb.CAPTURE_STATE_SUCCEEDED)
    assert (shown.merchant_reference, dict(shown.metadata)) == ("return 7", {"clerk": "Ada", "shelf": "B 12"})


async def test_a_reference_that_is_taken_is_refused_with_what_has_it_and_nothing_is_held(house: House) -> None:
    first, second = await house.paid(), await house.paid()
    refund = await house.refund(first.payment_id, 1_000, merchant_reference="return 7")
    with pytest.raises(MerchantReferenceTaken) as refused:
        await house.refund(second.payment_id, 1_000, merchant_reference="return 7")
    assert refused.value.metadata == {"refund_id": refund.refund_id}
    assert (await house.get(second.payment_id)).refunding_minor == 0
    assert await house.told_types(second.payment_id) == ["PaymentCreated", "PaymentSuccess"]


async def test_references_of_two_kinds_and_of_two_merchants_are_apart(house: House) -> None:
    payment = await house.authorized(merchant_reference="7")
    await house.capture(payment.payment_id, 4_000, merchant_reference="7")
    await house.submit()
    await house.refund(payment.payment_id, 1_000, merchant_reference="7")
    stranger = await house.paid(merchant_id=await house.know_merchant(merchant_id=new_id("mer")))
    refund = await house.refund(stranger.payment_id, 1_000, merchant_reference="7")
    assert refund.merchant_reference == "7"


async def test_in_one_batch_the_first_that_is_accepted_takes_the_reference(house: House) -> None:
    first, second, third = await house.paid(), await house.paid(), await house.paid()
    items = [
        asked(first, amount_minor=10_001, reference="return 7"),
        asked(second, amount_minor=1_000, reference="return 7"),
        asked(third, amount_minor=1_000, reference="return 7"),
    ]
    results = await house.runtime.transaction(lambda tx: commands.refund.create_refunds(tx, items))
    assert [type(result).__name__ for result in results] == [
        "RefundExceedsRefundable",
        "Refund",
        "MerchantReferenceTaken",
    ]


async def test_of_transactions_at_once_one_takes_the_reference_and_the_others_are_refused(house: House) -> None:
    payments = [await house.paid() for _ in range(6)]

    async def refund(payment: pb.Payment) -> Refund | DomainError:
        async def work(tx: Tx) -> Sequence[Refund | DomainError]:
            return await commands.refund.create_refunds(tx, [asked(payment, amount_minor=1, reference="return 7")])

        return (await house.runtime.transaction(work))[0]

    results = await asyncio.gather(*map(refund, payments))
    assert sorted(type(result).__name__ for result in results) == ["MerchantReferenceTaken"] * 5 + ["Refund"]
    assert await house.count("refund") == 1


async def test_the_same_call_is_a_repetition_and_not_a_taken_reference(house: House) -> None:
    payment, request_id = await house.paid(), str(uuid.uuid4())
    refund = await house.refund(payment.payment_id, 1_000, request_id=request_id, **LABELS)
    await house.runtime.transaction(lambda tx: tx.run("DELETE FROM idempotency_claim"))
    assert await house.refund(payment.payment_id, 1_000, request_id=request_id, **LABELS) == refund


def asked(payment: pb.Payment, *, amount_minor: int, reference: str) -> CreateRefund:
    amount = Money(amount_minor=amount_minor, currency_code="USD")
    return CreateRefund(
        payment_id=payment.payment_id,
        amount_minor=amount.amount_minor,
        currency_code=amount.currency_code,
        reason=events.RefundReason.OTHER,
        cause=Cause("cor_test"),
        labels=Labels(merchant_reference=reference),
    )
