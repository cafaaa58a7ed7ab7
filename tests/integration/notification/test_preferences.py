"""What merchants want is kept as a whole, by whoever read it last."""

import pytest

from paykit.addresses import EmailInvalid
from paykit.errors import EtagMismatch, FieldInvalid
from paystream.notification.v1 import notification_pb2 as pb
from tests.integration.notification.conftest import Office


async def test_a_merchant_that_never_set_any_has_empty_preferences(office: Office) -> None:
    found = await office.preferences()
    assert found == pb.Preferences(merchant_id=office.merchant_id)


async def test_preferences_are_replaced_as_a_whole_and_the_same_again_changes_nothing(office: Office) -> None:
    disputes = pb.TopicPreference(template="dispute_opened", addresses=["risk@shop.example", "law@shop.example"])
    welcome = pb.TopicPreference(template="merchant_welcome", muted=True)
    first = await office.prefer(disputes, welcome, locale="zh-CN")
    assert (first.locale, list(first.topics), first.etag) == ("zh-CN", [disputes, welcome], "v1")
    assert await office.prefer(welcome, disputes, locale="zh-CN") == first
    second = await office.prefer(disputes, etag=first.etag)
    assert (second.locale, list(second.topics), second.etag) == ("", [disputes], "v2")
    assert await office.preferences() == second


async def test_an_old_etag_a_topic_that_comes_twice_and_one_that_is_none_are_refused(office: Office) -> None:
    await office.prefer(pb.TopicPreference(template="order_paid", muted=True))
    await office.prefer(pb.TopicPreference(template="order_paid"))
    with pytest.raises(EtagMismatch):
        await office.prefer(etag="v1")
    for names in (["order_paid", "order_paid"], ["order_paid", "weather"]):
        with pytest.raises(FieldInvalid):
            await office.prefer(*[pb.TopicPreference(template=name) for name in names])
    assert [topic.template for topic in (await office.preferences()).topics] == ["order_paid"]


@pytest.mark.parametrize(
    "address", ["a..b@shop.example", ".a@shop.example", "a.@shop.example", "a@b", f"{'a' * 65}@shop.example"]
)
async def test_an_address_that_no_mail_can_be_written_to_is_refused_by_its_place(office: Office, address: str) -> None:
    fine = pb.TopicPreference(template="order_paid", addresses=["a@shop.example"])
    wrong = pb.TopicPreference(template="dispute_opened", addresses=["b@shop.example", address])
    with pytest.raises(EmailInvalid) as refused:
        await office.prefer(fine, wrong)
    assert refused.value.field == "topics[1].addresses[1]"
    assert address not in refused.value.message
    assert list((await office.preferences()).topics) == []
