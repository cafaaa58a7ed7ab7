"""Where payers get receipts: kept in a row of its own, shown by one call, erased, and nowhere else."""

import uuid
from typing import Any

import pytest
from structlog.testing import capture_logs

from paykit.addresses import EmailInvalid
from paykit.contacts.contact import ContactNotFound
from paykit.errors import FieldInvalid
from paykit.postgres.database import Tx
from paystream.common.v1.contact_pb2 import ReceiptContact
from paystream.payment.v1 import payment_pb2 as pb
from tests.integration.payment.conftest import ANY, House

ADDRESS = "zelda.payer+receipts@example.com"
CONTACT = ReceiptContact(receipt_email=ADDRESS, locale="de-AT")

_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename <> 'contact'"


async def contact_of(house: House, payment_id: str) -> Any:
    return (await house.call.GetContact(pb.GetContactRequest(payment_id=payment_id), ANY)).contact


async def erase(house: House, payment_id: str, reason: str = "asked by the payer") -> Any:
    request = pb.EraseContactRequest(request_id=str(uuid.uuid4()), payment_id=payment_id, reason=reason)
    return (await house.call.EraseContact(request, ANY)).contact


async def rows_with(house: House, text: str) -> list[str]:
    """The tables, but `contact`, of which a row has a text, in whichever column."""

    async def search(tx: Tx) -> list[str]:
        tables = [row[0] for row in await tx.fetch(_TABLES)]
        patterns = f"%{text}%", f"%{text.encode().hex()}%"  # Bytes are shown in hexadecimal digits.
        sql = 'SELECT count(*) FROM "{}" t WHERE t::text LIKE $1 OR t::text LIKE $2'
        return [table for table in tables if (await tx.fetch(sql.format(table), *patterns))[0][0]]

    return await house.runtime.read(search)


async def test_a_contact_is_shown_by_its_own_call_alone(house: House) -> None:
    request = house.request(contact=CONTACT)
    payment = (await house.call.CreatePayment(request, ANY)).payment
    again = (await house.call.CreatePayment(request, ANY)).payment

    found = await contact_of(house, payment.payment_id)
    assert (found.receipt_email, found.locale, found.HasField("erase_time")) == (ADDRESS, "de-AT", False)
    shown = [payment, again, await house.get(payment.payment_id)]
    assert not [message for message in shown if ADDRESS in str(message)]


async def test_no_event_log_line_or_row_beside_it_holds_the_address(house: House) -> None:
    with capture_logs() as logs:
        request = house.request(contact=CONTACT)
        payment = (await house.call.CreatePayment(request, ANY)).payment
        await house.call.CreatePayment(request, ANY)
        with pytest.raises(EmailInvalid) as refused:
            await house.create(contact=ReceiptContact(receipt_email=f"{ADDRESS} x"))
        await house.create_batch(house.request(contact=CONTACT), house.request(contact=CONTACT, merchant_id="mer_x"))
        await house.submit()

    assert await rows_with(house, payment.payment_id)  # The search finds what is there.
    assert await rows_with(house, ADDRESS) == []
    assert ADDRESS not in repr(logs)
    assert ADDRESS not in repr((refused.value.message, refused.value.metadata))


async def test_an_erased_contact_is_gone_for_good_and_stays_as_it_was_erased(house: House) -> None:
    payment = await house.create(contact=CONTACT)
    erased = await erase(house, payment.payment_id)
    again = await erase(house, payment.payment_id, reason="asked twice")

    assert (erased.receipt_email, erased.locale, erased.erase_reason) == ("", "de-AT", "asked by the payer")
    assert erased == again == await contact_of(house, payment.payment_id)
    sql = "SELECT count(*) FROM contact t WHERE t::text LIKE '%@%'"
    assert (await house.runtime.read(lambda tx: tx.fetch(sql)))[0][0] == 0


async def test_batches_and_streams_take_contacts_each_for_itself(house: House) -> None:
    good, bad = house.request(contact=CONTACT), house.request(contact=ReceiptContact(receipt_email="nobody"))
    results = await house.create_batch(good, bad)

    assert results[1].error.details[0].type_url.endswith("ErrorInfo")
    assert (await contact_of(house, results[0].payment.payment_id)).receipt_email == ADDRESS

    async def streamed() -> Any:
        yield pb.StreamCreatePaymentsRequest(request=house.request(contact=CONTACT))

    [answer] = [answer async for answer in house.call.StreamCreatePayments(streamed(), ANY)]
    assert (await contact_of(house, answer.payment.payment_id)).receipt_email == ADDRESS


@pytest.mark.parametrize("locale", ["DE", "de_AT", "deutsch", "de-at", "zh-hans", "de-AT-1996\r\nBcc: x@example.com"])
async def test_a_locale_that_is_none_is_refused(house: House, locale: str) -> None:
    with pytest.raises(FieldInvalid) as refused:
        await house.create(contact=ReceiptContact(locale=locale[:35]))
    assert refused.value.field == "contact.locale"


async def test_what_was_given_without_a_contact_has_none(house: House) -> None:
    payment = await house.create(contact=ReceiptContact())
    for call in (contact_of, erase):
        with pytest.raises(ContactNotFound):
            await call(house, payment.payment_id)
