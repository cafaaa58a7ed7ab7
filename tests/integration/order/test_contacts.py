"""Where payers of orders get receipts, and in which language: the language alone is told in events."""

import uuid
from typing import Any

import pytest
from structlog.testing import capture_logs

from paykit.addresses import EmailInvalid
from paykit.contacts.contact import ContactNotFound
from paykit.postgres.database import Tx
from paystream.common.v1.contact_pb2 import ReceiptContact
from paystream.order.v1 import order_pb2 as pb
from tests.integration.order.conftest import ANY, Shop

ADDRESS = "zelda.payer@example.com"


async def contact_of(shop: Shop, order_id: str) -> Any:
    return (await shop.call.GetContact(pb.GetContactRequest(order_id=order_id), ANY)).contact


async def tables_with_address(tx: Tx) -> list[str]:
    names = await tx.fetch("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
    patterns = f"%{ADDRESS}%", f"%{ADDRESS.encode().hex()}%"  # Bytes are shown in hexadecimal digits.
    sql = 'SELECT count(*) FROM "{}" t WHERE t::text LIKE $1 OR t::text LIKE $2'
    return [name for (name,) in names if (await tx.fetch(sql.format(name), *patterns))[0][0]]


async def test_an_orders_events_tell_the_language_and_never_the_address(shop: Shop) -> None:
    with capture_logs() as logs:
        order = await shop.create(contact=ReceiptContact(receipt_email=ADDRESS, locale="de-AT"))
        with pytest.raises(EmailInvalid):
            await shop.create(contact=ReceiptContact(receipt_email=ADDRESS + "@"))
        await shop.cancel(order.order_id)

    events = await shop.told(order.order_id)
    assert [event.locale for event in events] == ["de-AT", "de-AT"]
    assert await shop.runtime.read(tables_with_address) == ["contact"]
    assert ADDRESS not in repr((logs, order, await shop.get(order.order_id)))
    assert (await contact_of(shop, order.order_id)).receipt_email == ADDRESS


async def test_an_orders_contact_is_erased_when_asked(shop: Shop) -> None:
    order = await shop.create(contact=ReceiptContact(receipt_email=ADDRESS))
    request = pb.EraseContactRequest(request_id=str(uuid.uuid4()), order_id=order.order_id, reason="asked")
    erased = (await shop.call.EraseContact(request, ANY)).contact

    assert (erased.receipt_email, erased.erase_reason) == ("", "asked")
    assert await contact_of(shop, order.order_id) == erased


async def test_an_order_without_a_contact_has_none_and_tells_no_language(shop: Shop) -> None:
    order = await shop.create()
    with pytest.raises(ContactNotFound):
        await contact_of(shop, order.order_id)
    assert [event.locale for event in await shop.told(order.order_id)] == [None]
