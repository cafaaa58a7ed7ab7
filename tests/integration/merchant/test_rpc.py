"""The merchant service's RPCs on a real database."""

import asyncio
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from paykit.addresses import EmailInvalid
from paykit.clock import ManualClock
from paykit.errors import DomainError, EtagMismatch, FieldInvalid, PageTokenInvalid, RequestIdReused
from paykit.ids import is_id, new_id
from paykit.process.runtime import Runtime
from paykit.serve.validation.update_masks import UpdateMaskInvalid
from paykit.testing.outbox_events import outbox_events
from paykit.testing.runtimes import act_as
from paystream.merchant.v1 import merchant_pb2 as pb
from services.merchant import domain
from services.merchant.domain import rules
from services.merchant.service import SERVICE
from tests.conftest import RuntimeOf
from tests.line.replies import checked
from tests.line.servicers import MerchantCalls

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ANY: Any = None


class House:
    """The service, called as a servicer."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.call = checked(MerchantCalls(runtime))

    async def create(self, **changes: Any) -> pb.Merchant:
        return (await self.call.CreateMerchant(create_request(**changes), ANY)).merchant

    async def get(self, merchant_id: str) -> pb.Merchant:
        return (await self.call.GetMerchant(pb.GetMerchantRequest(merchant_id=merchant_id), ANY)).merchant

    async def update(self, merchant_id: str, *paths: str, etag: str = "", **fields: Any) -> pb.Merchant:
        request = pb.UpdateMerchantRequest(
            request_id=str(uuid.uuid4()),
            merchant=pb.Merchant(merchant_id=merchant_id, etag=etag, **fields),
            update_mask=FieldMask(paths=paths),
        )
        return (await self.call.UpdateMerchant(request, ANY)).merchant

    async def activate(self, merchant_id: str, etag: str = "") -> pb.Merchant:
        request = pb.ActivateMerchantRequest(request_id=str(uuid.uuid4()), merchant_id=merchant_id, etag=etag)
        return (await self.call.ActivateMerchant(request, ANY)).merchant

    async def suspend(self, merchant_id: str, etag: str = "") -> pb.Merchant:
        request = pb.SuspendMerchantRequest(
            request_id=str(uuid.uuid4()), merchant_id=merchant_id, etag=etag, reason="fraud suspected"
        )
        return (await self.call.SuspendMerchant(request, ANY)).merchant

    async def told(self) -> list[Any]:
        """Give the events in the outbox, in order."""
        rows = await outbox_events(self.runtime)
        events = [self.runtime.codec.decode(row["value"]) for row in rows]
        assert [row["key"] for row in rows] == [event.merchant_id for event in events]
        return events


def create_request(**changes: Any) -> pb.CreateMerchantRequest:
    given: dict[str, Any] = {
        "request_id": str(uuid.uuid4()),
        "display_name": "Corner Books",
        "country_code": "JP",
        "contact_email": "owner@corner-books.example",
        "fee_plan": fee_plan(USD, JPY, refund_fee_returned=True),
        "settlement_policy": pb.SettlementPolicy(
            schedule=pb.SETTLEMENT_SCHEDULE_WEEKLY,
            cut_off_time="17:30",
            cut_off_weekday=5,
            time_zone="Asia/Tokyo",
            delay_days=2,
            thresholds=[
                pb.SettlementThreshold(currency_code="USD", threshold_minor=10_000),
                pb.SettlementThreshold(currency_code="JPY", threshold_minor=9007199254740991),
            ],
            reserve_basis_points=500,
            reserve_days=90,
        ),
    }
    return pb.CreateMerchantRequest(**given | changes)


USD = pb.FeeRule(currency_code="USD", basis_points=290, fixed_minor=30)
JPY = pb.FeeRule(currency_code="JPY", basis_points=360)


def fee_plan(*fees: pb.FeeRule, refund_fee_returned: bool = False) -> pb.FeePlan:
    return pb.FeePlan(fees=fees, refund_fee_returned=refund_fee_returned)


@pytest.fixture
async def house(runtime_of: RuntimeOf) -> House:
    runtime = await runtime_of(SERVICE, clock=ManualClock(NOON))
    act_as("tester", correlation_id="cor_merchant")
    return House(runtime)


async def test_a_created_merchant_reads_back_whole_and_is_told(house: House) -> None:
    made = await house.create()
    assert is_id("mer", made.merchant_id)
    assert await house.get(made.merchant_id) == made
    assert made.state == pb.MERCHANT_STATE_CREATED
    assert (made.contact_email, made.country_code, made.etag) == ("owner@corner-books.example", "JP", "v1")
    assert [fee.currency_code for fee in made.fee_plan.fees] == ["JPY", "USD"]
    assert (made.fee_plan.version, made.fee_plan.refund_fee_returned) == (1, True)
    assert made.fee_plan.effective_time.ToDatetime(UTC) == made.create_time.ToDatetime(UTC) == NOON
    policy = made.settlement_policy
    assert (policy.cut_off_time, policy.cut_off_weekday, policy.time_zone) == ("17:30", 5, "Asia/Tokyo")
    assert [each.threshold_minor for each in policy.thresholds] == [9007199254740991, 10_000]

    (event,) = await house.told()
    assert (event.RECORD, event.aggregate_version) == ("paystream.merchant.v1.MerchantCreated", 1)
    assert (event.correlation_id, event.actor, event.occurred_at) == ("cor_merchant", "tester", NOON)
    assert (event.status, event.fee_plan_version, event.settlement_policy.reserve_days) == ("CREATED", 1, 90)
    assert "corner-books.example" not in repr(event)


async def test_a_plan_says_what_disputes_and_other_currencies_cost(house: House) -> None:
    usd = pb.FeeRule(currency_code="USD", basis_points=290, fixed_minor=30, dispute_fee_minor=1_500)
    made = await house.create(fee_plan=pb.FeePlan(fees=[usd], default_basis_points=350))
    free = await house.create(fee_plan=pb.FeePlan(free=True))
    silent = await house.create(fee_plan=pb.FeePlan(fees=[usd], default_basis_points=0))

    assert (list(made.fee_plan.fees), made.fee_plan.default_basis_points, made.fee_plan.free) == ([usd], 350, False)
    assert (free.fee_plan.HasField("default_basis_points"), free.fee_plan.free) == (False, True)
    assert (silent.fee_plan.HasField("default_basis_points"), silent.fee_plan.default_basis_points) == (True, 0)
    event = (await house.told())[0]
    assert (event.fees[0].dispute_fee_minor, event.default_basis_points, event.free) == (1_500, 350, False)
    with pytest.raises(FieldInvalid):
        await house.create(fee_plan=pb.FeePlan(free=True, default_basis_points=0))


async def test_the_least_that_makes_a_merchant_has_no_fees_agreed_and_is_settled_on_request(house: House) -> None:
    request = pb.CreateMerchantRequest(
        request_id=str(uuid.uuid4()), display_name="Stall", contact_email="a@stall.example"
    )
    made = (await house.call.CreateMerchant(request, ANY)).merchant
    assert (list(made.fee_plan.fees), made.country_code) == ([], "")
    assert made.settlement_policy == pb.SettlementPolicy(
        schedule=pb.SETTLEMENT_SCHEDULE_MANUAL, time_zone="UTC", reserve_base=pb.RESERVE_BASE_NET
    )
    assert await house.get(made.merchant_id) == made


async def test_a_monthly_policy_of_business_days_reads_back_whole_and_is_told(house: House) -> None:
    policy = pb.SettlementPolicy(
        schedule=pb.SETTLEMENT_SCHEDULE_MONTHLY,
        cut_off_time="18:00",
        cut_off_month_day=31,
        time_zone="Europe/Berlin",
        delay_days=2,
        business_days=True,
        calendar="DE-BY",
        reserve_basis_points=500,
        reserve_days=90,
        reserve_base=pb.RESERVE_BASE_GROSS,
    )
    made = await house.create(settlement_policy=policy)
    assert (await house.get(made.merchant_id)).settlement_policy == policy
    (event,) = await house.told()
    told = event.settlement_policy
    assert (told.schedule, told.cut_off_month_day, told.business_days) == ("MONTHLY", 31, True)
    assert (told.calendar, told.reserve_base) == ("DE-BY", "GROSS")


async def test_the_same_request_again_gives_the_same_merchant(house: House) -> None:
    request = create_request()
    first = await house.call.CreateMerchant(request, ANY)
    assert await house.call.CreateMerchant(request, ANY) == first
    assert len(await house.told()) == 1


async def test_a_request_id_with_another_request_is_refused(house: House) -> None:
    request = create_request()
    await house.call.CreateMerchant(request, ANY)
    request.display_name = "Other Books"
    with pytest.raises(RequestIdReused):
        await house.call.CreateMerchant(request, ANY)


async def test_each_bad_field_is_refused_by_its_own_reason(house: House) -> None:
    daily_without_time = pb.SettlementPolicy(schedule=pb.SETTLEMENT_SCHEDULE_DAILY)
    for changes, refusal in (
        ({"contact_email": "nobody"}, EmailInvalid),
        ({"fee_plan": fee_plan(USD, USD)}, rules.CurrencyRepeated),
        ({"settlement_policy": daily_without_time}, rules.SettlementPolicyInvalid),
    ):
        with pytest.raises(refusal):
            await house.create(**changes)
    assert await house.told() == []


async def test_an_update_changes_what_the_mask_names_and_keeps_every_fee_plan(house: House) -> None:
    made = await house.create()
    changed = await house.update(
        made.merchant_id,
        "display_name",
        "fee_plan",
        etag="v1",
        display_name="Corner Books and Tea",
        country_code="DE",
        fee_plan=fee_plan(USD),
    )
    assert (changed.display_name, changed.country_code, changed.etag) == ("Corner Books and Tea", "JP", "v2")
    assert (changed.fee_plan.version, list(changed.fee_plan.fees)) == (2, [USD])
    assert await house.get(made.merchant_id) == changed

    history = await house.call.ListFeePlans(pb.ListFeePlansRequest(merchant_id=made.merchant_id), ANY)
    assert list(history.fee_plans) == [changed.fee_plan, made.fee_plan]
    _, updated = await house.told()
    assert (updated.RECORD, updated.aggregate_version) == ("paystream.merchant.v1.MerchantUpdated", 2)
    assert (updated.fee_plan_version, updated.refund_fee_returned) == (2, False)


async def test_an_update_that_changes_nothing_tells_nothing(house: House) -> None:
    made = await house.create()
    same = await house.update(made.merchant_id, "display_name", display_name="Corner Books")
    assert same == made
    assert len(await house.told()) == 1


async def test_updates_of_a_stale_merchant_or_of_no_field_are_refused(house: House) -> None:
    made = await house.create()
    await house.update(made.merchant_id, "country_code")
    with pytest.raises(EtagMismatch):
        await house.update(made.merchant_id, "display_name", etag=made.etag, display_name="Late")
    for paths, path in (((), ""), (("status",), "status"), (("display_name", "merchant_id"), "merchant_id")):
        with pytest.raises(UpdateMaskInvalid) as refused:
            await house.update(made.merchant_id, *paths, display_name="Other")
        assert (refused.value.field, refused.value.metadata["path"]) == ("update_mask", path)


async def test_concurrent_changes_of_one_merchant_are_all_kept_in_some_order(house: House) -> None:
    made = await house.create(fee_plan=fee_plan())
    plans = [fee_plan(pb.FeeRule(currency_code="USD", basis_points=i)) for i in range(1, 11)]
    await asyncio.gather(*(house.update(made.merchant_id, "fee_plan", fee_plan=plan) for plan in plans))
    history = await house.call.ListFeePlans(pb.ListFeePlansRequest(merchant_id=made.merchant_id, page_size=100), ANY)
    assert [plan.version for plan in history.fee_plans] == list(range(11, 0, -1))
    assert [event.aggregate_version for event in await house.told()] == list(range(1, 12))
    assert {event.fees[0].basis_points for event in (await house.told())[1:]} == set(range(1, 11))


async def test_only_one_of_concurrent_changes_with_one_etag_succeeds(house: House) -> None:
    made = await house.create()
    attempts = [house.update(made.merchant_id, "display_name", etag="v1", display_name=f"Name {i}") for i in range(8)]
    results = await asyncio.gather(*attempts, return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["EtagMismatch"] * 7 + ["Merchant"]


async def test_a_merchant_is_activated_suspended_and_activated_again(house: House) -> None:
    made = await house.create()
    with pytest.raises(domain.merchant.MerchantStateInvalid):
        await house.suspend(made.merchant_id)
    assert (await house.activate(made.merchant_id, "v1")).state == pb.MERCHANT_STATE_ACTIVE
    assert (await house.activate(made.merchant_id)).etag == "v2"
    assert (await house.suspend(made.merchant_id)).state == pb.MERCHANT_STATE_SUSPENDED
    assert (await house.activate(made.merchant_id)).etag == "v4"
    assert [event.RECORD.rpartition(".")[2] for event in await house.told()] == [
        "MerchantCreated",
        "MerchantActivated",
        "MerchantSuspended",
        "MerchantActivated",
    ]


async def test_a_merchant_that_does_not_exist_is_not_found_by_any_method(house: House) -> None:
    nobody = new_id("mer")
    calls = (
        house.get(nobody),
        house.update(nobody, "country_code"),
        house.activate(nobody),
        house.suspend(nobody),
        house.call.ListFeePlans(pb.ListFeePlansRequest(merchant_id=nobody), ANY),
    )
    for refused in await asyncio.gather(*calls, return_exceptions=True):
        assert isinstance(refused, domain.merchant.MerchantNotFound)


async def test_lists_go_from_the_newest_in_pages_that_keep_their_filter(house: House) -> None:
    made = [(await house.create()).merchant_id for _ in range(5)]
    newest_first = sorted(made, reverse=True)
    for merchant_id in newest_first[:3]:
        await house.activate(merchant_id)

    first = await house.call.ListMerchants(pb.ListMerchantsRequest(page_size=3), ANY)
    rest = await house.call.ListMerchants(pb.ListMerchantsRequest(page_size=3, page_token=first.next_page_token), ANY)
    assert [each.merchant_id for each in (*first.merchants, *rest.merchants)] == newest_first
    assert rest.next_page_token == ""

    active = pb.ListMerchantsRequest(page_size=2, state=pb.MERCHANT_STATE_ACTIVE)
    page = await house.call.ListMerchants(active, ANY)
    assert [each.merchant_id for each in page.merchants] == newest_first[:2]
    oldest_first = await house.call.ListMerchants(pb.ListMerchantsRequest(order_by="create_time"), ANY)
    assert [each.merchant_id for each in oldest_first.merchants] == newest_first[::-1]
    nobody = pb.ListMerchantsRequest(contact_email="nobody@example.com")
    assert (await house.call.ListMerchants(nobody, ANY)).merchants == []
    email = page.merchants[0].contact_email
    found = await house.call.ListMerchants(pb.ListMerchantsRequest(contact_email=email), ANY)
    assert page.merchants[0].merchant_id in {each.merchant_id for each in found.merchants}
    for token in (first.next_page_token, "garbage"):
        with pytest.raises(PageTokenInvalid):
            await house.call.ListMerchants(
                pb.ListMerchantsRequest(state=pb.MERCHANT_STATE_ACTIVE, page_token=token), ANY
            )


async def test_fee_plans_are_history_that_the_service_cannot_change(house: House) -> None:
    await house.create()
    for statement in ("DELETE FROM fee_rule", "UPDATE fee_plan SET version = 2", "TRUNCATE fee_plan"):
        with pytest.raises(Exception, match="permission denied"):
            await house.runtime.transaction(lambda tx, statement=statement: tx.run(statement))  # type: ignore[misc]


async def test_a_refusal_in_a_group_leaves_its_neighbours_alone(house: House) -> None:
    requests = [create_request(contact_email="bad" if i == 3 else f"a{i}@b.example") for i in range(6)]
    results = await asyncio.gather(*(house.call.CreateMerchant(r, ANY) for r in requests), return_exceptions=True)
    assert [isinstance(result, DomainError) for result in results] == [False, False, False, True, False, False]
    assert len(await house.told()) == 5


async def test_a_restriction_leaves_what_it_does_not_name_and_shows_why(house: House) -> None:
    merchant_id = (await house.create()).merchant_id

    async def restrict(reason: str, **flags: Any) -> pb.Merchant:
        request = pb.RestrictMerchantRequest(
            request_id=str(uuid.uuid4()), merchant_id=merchant_id, reason=reason, **flags
        )
        return (await house.call.RestrictMerchant(request, ANY)).merchant

    await restrict("account under review", payout_hold=True)
    frozen = await restrict("court order", frozen=True)
    again = await restrict("asked once more", frozen=True)
    lifted = await restrict("court order ended", frozen=False)

    assert (frozen.payout_hold, frozen.frozen, frozen.closing) == (True, True, False)
    assert (frozen.restrict_reason.reason, again) == ("court order", frozen)
    assert (lifted.payout_hold, lifted.frozen, lifted.restrict_reason.reason) == (True, False, "court order ended")
    assert await house.get(merchant_id) == lifted
    told = [(event.payout_hold, event.frozen) for event in await house.told()]
    assert told == [(False, False), (True, False), (True, True), (True, False)]


async def test_a_merchant_that_does_not_exist_cannot_be_restricted(house: House) -> None:
    request = pb.RestrictMerchantRequest(
        request_id=str(uuid.uuid4()), merchant_id="mer_" + "f" * 32, closing=True, reason="it leaves"
    )

    with pytest.raises(DomainError) as refused:
        await house.call.RestrictMerchant(request, ANY)

    assert refused.value.reason == "MERCHANT_NOT_FOUND"


async def test_how_a_merchant_is_written_to_is_kept_and_only_what_it_publishes_is_told(house: House) -> None:
    plain = await house.create()
    made = await house.create(
        locale="zh-Hans",
        public_name="Espresso Bar",
        support_email="help@espresso.example",
        notification_email="books@espresso.example",
    )

    assert (plain.locale, plain.public_name, plain.support_email, plain.notification_email) == ("en", "", "", "")
    assert await house.get(made.merchant_id) == made
    assert (made.locale, made.notification_email) == ("zh-Hans", "books@espresso.example")
    first, event = await house.told()
    assert (first.locale, first.public_name, first.support_email) == ("en", None, None)
    assert (event.locale, event.public_name, event.support_email) == (
        *("zh-Hans", "Espresso Bar"),
        "help@espresso.example",
    )
    assert "books@espresso.example" not in repr(event.as_record())


async def test_each_of_how_a_merchant_is_written_to_changes_alone_and_can_be_removed(house: House) -> None:
    made = await house.create(locale="de-AT", public_name="Bar", support_email="help@bar.example")
    changed = await house.update(made.merchant_id, "support_email", support_email="care@bar.example", locale="fr")
    removed = await house.update(made.merchant_id, "public_name", "locale", "support_email")

    assert (changed.locale, changed.public_name, changed.support_email) == ("de-AT", "Bar", "care@bar.example")
    assert (removed.locale, removed.public_name, removed.support_email) == ("en", "", "")
    assert [(event.locale, event.public_name) for event in (await house.told())[1:]] == [("de-AT", "Bar"), ("en", None)]


@pytest.mark.parametrize(
    ("field", "value", "refusal"),
    [
        ("locale", "klingonese", FieldInvalid),
        ("public_name", " ", FieldInvalid),
        ("support_email", "nobody", EmailInvalid),
        ("notification_email", "a@b.example\r\nBcc: c@d.example", EmailInvalid),
    ],
)
async def test_how_a_merchant_is_written_to_is_checked_by_its_field(
    house: House, field: str, value: str, refusal: type[DomainError]
) -> None:
    made = await house.create()
    for call in (house.create(**{field: value}), house.update(made.merchant_id, field, **{field: value})):
        with pytest.raises(refusal) as refused:
            await call
        assert refused.value.field == field


async def test_merchants_are_read_by_their_ids_in_the_order_of_the_request_and_missing_ones_are_named(
    house: House,
) -> None:
    first, second = await house.create(), await house.create()
    unknown = "mer_" + "9" * 32
    request = pb.BatchGetMerchantsRequest(merchant_ids=[second.merchant_id, unknown, first.merchant_id])
    answer = await house.call.BatchGetMerchants(request, ANY)
    assert (list(answer.merchants), list(answer.missing_merchant_ids)) == ([second, first], [unknown])
