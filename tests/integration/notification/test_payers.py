"""A payer's mail goes where the payment or its order says at that moment, and nowhere once that is erased."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from paykit.ids import new_id
from paykit.testing.fake_server import FakeServer, fake_server
from paystream.common.v1.contact_pb2 import Contact
from paystream.merchant.v1 import merchant_pb2
from paystream.notification.v1 import notification_pb2 as pb
from paystream.order.v1 import order_pb2
from paystream.payment.v1 import payment_pb2
from services.notification import jobs
from tests.integration.notification.conftest import Office, example
from tests.integration.notification.mail_server import mail_server
from tests.integration.notification.test_sending import use

GET_MERCHANT = "paystream.merchant.v1.MerchantService/GetMerchant"
OF_PAYMENT = "paystream.payment.v1.PaymentService/GetContact"
OF_ORDER = "paystream.order.v1.OrderService/GetContact"
PAYER, OTHER = "jo@home.example", "al@home.example"
NOBODY = Contact()
ERASED = Contact(locale="zh-CN", erase_time=Timestamp(seconds=1), erase_reason="asked by the payer")


@contextmanager
def line(of_payment: Contact, of_order: Contact) -> Iterator[FakeServer]:
    """A merchant service, and contacts of whatever payment and order are asked for."""
    merchant = merchant_pb2.Merchant(
        display_name="Tea Trading Ltd", public_name="Tea & Sons", support_email="help@tea.example", locale="en"
    )
    answers: dict[str, Any] = {
        GET_MERCHANT: merchant_pb2.GetMerchantResponse(merchant=merchant),
        OF_PAYMENT: payment_pb2.GetContactResponse(contact=of_payment),
        OF_ORDER: order_pb2.GetContactResponse(contact=of_order),
    }
    with fake_server(answers) as fake:
        yield fake


async def paid(office: Office, fake: FakeServer, *, port: int) -> pb.Notification:
    """Tell of a payment of an order, and send."""
    use(office, port=port, peers=dict.fromkeys(("merchant", "order", "payment"), fake.address))
    event = example(
        "payment.events",
        "PaymentSuccess",
        event_id=new_id("evt"),
        merchant_id=office.merchant_id,
        payment_id=new_id("pay"),
        order_id=new_id("ord"),
    )
    await office.deliver(event)
    await jobs.send_mails(office.runtime)
    (notification,) = await office.listed(resource_id=event.payment_id)
    return notification


async def test_a_payer_gets_a_receipt_in_its_language_from_the_name_that_it_knows(office: Office) -> None:
    with line(Contact(receipt_email=PAYER, locale="zh-CN"), NOBODY) as fake:
        async with mail_server() as server:
            notification = await paid(office, fake, port=server.port)
    ((recipient, message),) = server.mails
    assert (recipient, notification.state, notification.locale) == (PAYER, pb.NOTIFICATION_STATE_SENT, "zh-CN")
    assert str(message["From"]) == "Tea & Sons <pay@paystream.example>"
    assert str(message["Reply-To"]) == "help@tea.example"
    assert str(message["Subject"]).startswith("Tea & Sons 的收据")
    assert not fake.requests[OF_ORDER]
    sql = "SELECT count(*) FROM notification AS n, delivery_try AS d WHERE n::text || d::text LIKE '%home.example%'"
    assert (await office.runtime.read(lambda tx: tx.fetch(sql)))[0][0] == 0


async def test_without_a_contact_of_the_payment_that_of_its_order_is_used(office: Office) -> None:
    with line(NOBODY, Contact(receipt_email=OTHER)) as fake:
        async with mail_server() as server:
            notification = await paid(office, fake, port=server.port)
    assert [recipient for recipient, _ in server.mails] == [OTHER]
    assert notification.locale == "en"


@pytest.mark.parametrize(
    ("of_payment", "of_order", "reason"),
    [
        (NOBODY, NOBODY, "NO_ADDRESS"),
        (ERASED, Contact(receipt_email=OTHER), "CONTACT_ERASED"),
        (NOBODY, ERASED, "CONTACT_ERASED"),
        (Contact(receipt_email="jo@home.example\r\nBcc: all@home.example"), NOBODY, "ADDRESS_INVALID"),
        (Contact(receipt_email="two@home.example,three@home.example"), NOBODY, "ADDRESS_INVALID"),
        (Contact(receipt_email="jö@home.example"), NOBODY, "ADDRESS_INVALID"),
    ],
)
async def test_nobody_is_mailed_who_left_no_address_or_had_it_erased(
    office: Office, of_payment: Contact, of_order: Contact, reason: str
) -> None:
    with line(of_payment, of_order) as fake:
        async with mail_server() as server:
            notification = await paid(office, fake, port=server.port)
    assert server.mails == []
    assert (notification.state, notification.reason) == (pb.NOTIFICATION_STATE_SUPPRESSED, reason)
    assert await office.told(notification.notification_id) == []


async def test_an_address_that_is_erased_while_its_mail_waits_gets_nothing(office: Office) -> None:
    with line(Contact(receipt_email=PAYER), NOBODY) as fake:
        waiting = await paid(office, fake, port=1)
    assert (waiting.state, waiting.reason) == (pb.NOTIFICATION_STATE_QUEUED, "SERVER_UNAVAILABLE")
    with line(ERASED, NOBODY) as fake:
        async with mail_server() as server:
            use(office, port=server.port, peers=dict.fromkeys(("merchant", "order", "payment"), fake.address))
            await office.age(by_s=1_000)
            await jobs.send_mails(office.runtime)
    assert server.mails == []
    found = (await office.get(waiting.notification_id)).notification
    assert (found.state, found.reason) == (pb.NOTIFICATION_STATE_SUPPRESSED, "CONTACT_ERASED")
