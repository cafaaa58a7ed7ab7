"""What has not cleared is listed with who holds it, and adds up to the ledger's balances."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from paykit.testing.batches import undone
from paykit.testing.runtimes import START
from paystream.accounting.v1.events import TransactionCreated
from paystream.reconciliation.v1 import reconciliation_pb2 as pb
from services.accounting.domain.booked_event import BY_CLASS
from services.accounting.service import SERVICE as ACCOUNTING
from services.reconciliation import domain, jobs, store
from services.reconciliation.store import UnclearedFilter
from tests.conftest import RuntimeOf
from tests.integration.accounting import test_properties as of_accounting
from tests.integration.reconciliation.matching import Topics
from tests.integration.reconciliation.resolving import ANY, Desk, booked, entry
from tests.unit.reconciliation.test_uncleared import captured, line

ALICE, BOB = "mer_" + "a" * 32, "mer_" + "b" * 32
DAYS = domain.uncleared.clearing_days({})


async def listed(desk: Desk, **wanted: Any) -> list[pb.UnclearedAmount]:
    return list((await desk.call.ListUncleared(pb.ListUnclearedRequest(**wanted), ANY)).amounts)


async def short(desk: Desk, **wanted: Any) -> list[tuple[str, str, str]]:
    return [(each.account_kind, each.reference, each.amount_minor) for each in await listed(desk, **wanted)]


async def test_who_holds_what_since_when_and_whether_it_is_late(desk: Desk) -> None:
    late = booked(
        "LateCaptureReceived",
        "cap_2",
        entry("suspense", -1, 500),
        root_reference="pay_2",
        effective_at=START - timedelta(days=8),
    )
    fresh = booked("WithdrawalCreated", "wdr_1", entry("merchant.withdrawing", +1, 700, ALICE), effective_at=START)
    await desk.deliver(late, fresh)
    oldest, newest = await listed(desk)
    assert (oldest.account_kind, oldest.reference, oldest.root_reference) == ("suspense", "pay_2", "pay_2")
    assert (oldest.amount_minor, oldest.currency_code, oldest.merchant_id, oldest.overdue) == ("-500", "USD", "", True)
    assert oldest.since_time.ToDatetime() == (START - timedelta(days=8)).replace(tzinfo=None)
    assert oldest.due_time.ToDatetime() == (START - timedelta(days=1)).replace(tzinfo=None)
    assert (newest.account_kind, newest.merchant_id, newest.amount_minor, newest.overdue) == (
        "merchant.withdrawing",
        ALICE,
        "700",
        False,
    )
    assert await short(desk, overdue=True) == [("suspense", "pay_2", "-500")]
    assert await short(desk, merchant_id=ALICE) == [("merchant.withdrawing", "wdr_1", "700")]
    assert await short(desk, account_kind="suspense", currency_code="JPY") == []
    assert await short(desk, root_reference="wdr_1") == [("merchant.withdrawing", "wdr_1", "700")]
    completed = booked("WithdrawalCompleted", "wdr_1", entry("merchant.withdrawing", -1, 700, ALICE))
    await desk.deliver(completed)
    assert await short(desk, merchant_id=ALICE) == []


async def test_settings_say_when_it_is_late(desk: Desk) -> None:
    await desk.deliver(booked("LateCaptureReceived", "cap_1", entry("suspense", -1, 500)))
    desk.runtime.settings = desk.runtime.settings.model_copy(update={"clearing_days": {"suspense": 0}})
    assert [each.due_time == each.since_time for each in await listed(desk)] == [True]


async def test_lines_give_what_the_channel_owes_to_their_statement_in_any_order(desk: Desk) -> None:
    await desk.deliver(line(amount_minor=9_000))
    await desk.deliver(captured())
    assert await short(desk) == [
        ("channel.receivable", "simulator/ch_1", "1000"),
        ("channel.receivable", "stm_1", "9000"),
    ]
    # Told again under another event, it is the same line.
    await desk.deliver(line(amount_minor=9_000, event_id="evt_again"))
    closing = booked("ChannelStatementClosed", "stm_1", entry("channel.receivable", -1, 9_000))
    await desk.deliver(closing)
    [difference] = await listed(desk)
    assert (difference.reference, difference.root_reference, difference.amount_minor) == (
        "simulator/ch_1",
        "pay_1",
        "1000",
    )


async def test_what_a_merchant_owes_is_paid_off_the_oldest_debt_first(desk: Desk) -> None:
    debts = [
        booked(
            "DisputeLost",
            f"dsp_{number}",
            entry("merchant.receivable", +1, amount, ALICE),
            root_reference=f"pay_{number}",
            effective_at=START + timedelta(days=number),
        )
        for number, amount in ((1, 100), (2, 50), (3, 30))
    ]
    await desk.deliver(*debts)
    await desk.deliver(booked("BalanceRecovered", "rec_1", entry("merchant.receivable", -1, 110, ALICE)))
    await desk.deliver(booked("DisputeLost", "dsp_9", entry("merchant.receivable", +1, 7, BOB)))
    owed = {(each.merchant_id, each.reference): int(each.amount_minor) for each in await listed(desk)}
    assert owed == {(ALICE, "dsp_2"): 40, (ALICE, "dsp_3"): 30, (BOB, "dsp_9"): 7}


async def test_pages_go_on_where_the_one_before_ended(desk: Desk) -> None:
    await desk.deliver(
        *(
            booked("LateCaptureReceived", f"cap_{n}", entry("suspense", -1, n), root_reference=f"pay_{n}")
            for n in (1, 2, 3, 4, 5)
        )
    )
    request, seen = pb.ListUnclearedRequest(page_size=2), []
    while True:
        response = await desk.call.ListUncleared(request, ANY)
        seen += [each.reference for each in response.amounts]
        request.page_token = response.next_page_token
        if not request.page_token:
            break
    assert seen == [f"pay_{n}" for n in (1, 2, 3, 4, 5)]


async def test_metrics_tell_what_has_not_cleared_and_forget_what_has(desk: Desk) -> None:
    def value(name: str) -> float | None:
        labels = {"account_kind": "suspense", "currency_code": "USD"}
        return REGISTRY.get_sample_value(f"paystream_uncleared_{name}", labels)

    since = START - timedelta(days=8)
    await desk.deliver(booked("LateCaptureReceived", "cap_1", entry("suspense", -1, 500), effective_at=since))
    await jobs.report_uncleared(desk.runtime, ends_of=Topics().ends_of)
    assert [value(name) for name in ("amounts", "overdue", "minor", "oldest_seconds")] == [1, 1, -500, 8 * 86_400]
    await desk.deliver(booked("RefundSuccess", "cap_1", entry("suspense", +1, 500)))
    await jobs.report_uncleared(desk.runtime, ends_of=Topics().ends_of)
    assert value("amounts") is None


@of_accounting.ON_ONE_LEDGER
@given(operations=st.lists(of_accounting.OPERATIONS, min_size=3, max_size=10))
async def test_what_is_listed_adds_up_to_the_balances_of_the_ledger(
    desk: Desk, runtime_of: RuntimeOf, operations: list[tuple[str, list[Any]]]
) -> None:
    ledger = await runtime_of(ACCOUNTING)
    transactions, balances = await booked_and_balances(ledger, operations)

    async def follow(tx: Tx) -> Counter[tuple[str, str, str]]:
        # One after another: batches of any size come to the same.
        for event in transactions:
            await store.uncleared.add(tx, domain.uncleared.of_transaction(event))
        wanted = UnclearedFilter(clearing_days=tuple(DAYS.items()))
        sums: Counter[tuple[str, str, str]] = Counter()
        found = await store.uncleared.list_(tx, wanted, now=START, after=None, limit=1_000)
        assert found.walked_to is None
        for each in found.rows:
            sums[each.account_kind, each.merchant_id, each.currency_code] += each.amount_minor
        return sums

    sums = await undone(desk.runtime, follow)
    assert {key: minor for key, minor in sums.items() if minor} == balances


async def booked_and_balances(
    ledger: Runtime, operations: Sequence[tuple[str, list[Any]]]
) -> tuple[list[TransactionCreated], dict[tuple[str, str, str], int]]:
    """Book events as they come; return what the ledger tells, and what is on accounts that money passes through."""

    async def run(tx: Tx) -> tuple[list[TransactionCreated], dict[tuple[str, str, str], int]]:
        await of_accounting.prepared(tx)
        for name, items in operations:
            tx.restart_lock_order()
            if type(items[0]) in BY_CLASS:
                await of_accounting.apply_as_they_come(tx, items, partition=0)
            else:
                await of_accounting.STEPS[name][0](tx, items)
        told = [ledger.codec.decode(row[7]) for row in tx.emitted]
        sql = """
        SELECT account_kind, coalesce(merchant_id, ''), currency_code, sum(balance_minor)
        FROM balance JOIN account USING (account_id) WHERE account_kind = ANY ($1::text[])
        GROUP BY 1, 2, 3 HAVING sum(balance_minor) <> 0
        """
        rows = await tx.fetch(sql, list(DAYS))
        balances = {(row[0], row[1], row[2]): int(row[3]) for row in rows}
        return [event for event in told if isinstance(event, TransactionCreated)], balances

    return await undone(ledger, run)
