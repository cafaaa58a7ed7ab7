"""Events make notifications in the consumer's transaction: one for each recipient, whatever comes again."""

import pytest

from paykit.ids import new_id
from paystream.notification.v1 import notification_pb2 as pb
from services.notification.domain.notification import NotificationNotFound
from services.notification.domain.topics import TOPICS, TemplateNotFound
from tests.integration.notification.conftest import ANY, Office, example

MERCHANT, PAYER, OPERATOR = pb.RECIPIENT_KIND_MERCHANT, pb.RECIPIENT_KIND_PAYER, pb.RECIPIENT_KIND_OPERATOR


async def test_an_event_that_comes_twice_makes_its_notifications_once(office: Office) -> None:
    event = example("payment.events", "PaymentSuccess", merchant_id=office.merchant_id)
    assert await office.deliver(event, event) == [None, None]
    assert await office.deliver(event) == [None]
    (notification,) = await office.listed(resource_id=event.payment_id)
    assert (notification.template, notification.recipient_kind, notification.state) == (
        "payment_success",
        PAYER,
        pb.NOTIFICATION_STATE_QUEUED,
    )
    assert (notification.event_id, notification.correlation_id) == (event.event_id, event.correlation_id)


async def test_an_event_that_comes_again_after_the_preferences_changed_makes_nothing_more(office: Office) -> None:
    event = example("settlement.events", "SettlementCompleted", merchant_id=office.merchant_id)
    await office.deliver(event)
    await office.prefer(pb.TopicPreference(template="settlement_completed", addresses=["a@x.example", "b@x.example"]))
    await office.deliver(event)
    assert len(await office.listed(merchant_id=office.merchant_id)) == 1


async def test_preferences_decide_who_is_told(office: Office) -> None:
    await office.prefer(
        pb.TopicPreference(template="settlement_completed", muted=True),
        pb.TopicPreference(template="payment_success", addresses=["books@shop.example"], payer_muted=True),
        pb.TopicPreference(template="dispute_opened", addresses=["a@shop.example", "b@shop.example"]),
    )
    for topic, record in (
        ("settlement.events", "SettlementCompleted"),
        ("payment.events", "PaymentSuccess"),
        ("payment.events", "DisputeOpened"),
    ):
        await office.deliver(example(topic, record, merchant_id=office.merchant_id, event_id=new_id("evt")))
    listed = await office.listed(merchant_id=office.merchant_id)
    assert sorted((notification.template, notification.recipient_kind) for notification in listed) == [
        ("dispute_opened", MERCHANT),
        ("dispute_opened", MERCHANT),
        ("payment_success", MERCHANT),
    ]


async def test_a_thousand_differences_of_one_statement_are_one_mail(office: Office) -> None:
    found = [
        example(
            "reconciliation.events",
            "DiscrepancyDetected",
            event_id=new_id("evt"),
            discrepancy_id=f"dis_{number:032x}",
            statement_id="stm_" + "7" * 32,
        )
        for number in range(1_000)
    ]
    await office.deliver(*found[:500])
    await office.deliver(*found[500:])
    (notification,) = await office.listed(state=pb.NOTIFICATION_STATE_QUEUED)
    assert (notification.template, notification.recipient_kind) == ("reconciliation_alert", OPERATOR)


async def test_notifications_are_listed_newest_first_by_each_of_their_scopes(office: Office) -> None:
    events = [
        example(
            "settlement.events",
            "SettlementCompleted",
            event_id=new_id("evt"),
            merchant_id=office.merchant_id,
            settlement_id=new_id("stl"),
            correlation_id=f"cor_{number}",
        )
        for number in range(3)
    ]
    for event in events:
        await office.deliver(event)
    everything = await office.listed(merchant_id=office.merchant_id)
    assert {each.resource_id for each in everything} == {event.settlement_id for event in events}
    for wanted in (
        {"resource_id": events[1].settlement_id},
        {"correlation_id": "cor_1"},
        {"merchant_id": office.merchant_id, "correlation_id": "cor_1", "template": "settlement_completed"},
    ):
        assert [each.event_id for each in await office.listed(**wanted)] == [events[1].event_id]
    assert await office.listed(merchant_id=office.merchant_id, recipient_kind=PAYER) == []
    request = pb.ListNotificationsRequest(merchant_id=office.merchant_id, page_size=2)
    first = await office.call.ListNotifications(request, ANY)
    request.page_token = first.next_page_token
    second = await office.call.ListNotifications(request, ANY)
    assert [*first.notifications, *second.notifications] == everything
    assert not second.next_page_token


async def test_every_template_is_listed_and_previewed_in_each_of_its_languages(office: Office) -> None:
    listed = (await office.call.ListTemplates(pb.ListTemplatesRequest(), ANY)).templates
    assert [template.name for template in listed] == sorted(TOPICS)
    settled = next(template for template in listed if template.name == "settlement_completed")
    assert list(settled.records) == ["paystream.settlement.v1.SettlementCompleted"]
    for template in listed:
        for locale in template.locales:
            request = pb.PreviewTemplateRequest(template=template.name, locale=locale)
            preview = await office.call.PreviewTemplate(request, ANY)
            assert preview.locale == locale
            assert preview.subject
            assert preview.html.startswith("<!doctype html>")


async def test_what_is_not_there_is_refused_by_name(office: Office) -> None:
    with pytest.raises(NotificationNotFound):
        await office.get("ntf_" + "0" * 32)
    with pytest.raises(NotificationNotFound):
        await office.resend("ntf_" + "0" * 32)
    with pytest.raises(TemplateNotFound):
        await office.call.PreviewTemplate(pb.PreviewTemplateRequest(template="weather"), ANY)
