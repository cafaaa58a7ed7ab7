"""Pages of what has not cleared: walked along indexes, with a bound, and what is left of debts kept as they change."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paykit import paging
from paykit.errors import PageTokenInvalid
from paykit.postgres.database import Tx
from paykit.postgres.lists.walk import EXAMINED_ROWS_MAX
from paykit.process import migrate
from paykit.testing import databases, runtimes
from paykit.testing.batches import undone
from paykit.testing.runtimes import START
from paystream.reconciliation.v1 import reconciliation_pb2 as pb
from paytools.localstack import Endpoints
from services.reconciliation import domain, messages, store
from services.reconciliation.domain.uncleared import OWED_KINDS, UnclearedEffect
from services.reconciliation.service import SERVICE
from tests.integration.accounting import test_properties as of_accounting
from tests.integration.reconciliation.resolving import ANY, Desk

ALICE, BOB = "mer_" + "a" * 32, "mer_" + "b" * 32
DAYS = domain.uncleared.clearing_days({})
DAY = timedelta(days=1)
HANG_S = 60.0


def effect(kind: str, reference: str, amount_minor: int, *, day: int = 0, **changes: Any) -> UnclearedEffect:
    merchant_id = ALICE if kind.startswith("merchant.") else ""
    told: dict[str, Any] = {"merchant_id": merchant_id, "currency_code": "USD", "root_reference": f"pay_{reference}"}
    return UnclearedEffect(
        account_kind=kind,
        reference=reference,
        amount_minor=amount_minor,
        effective_at=START + day * DAY,
        **told | changes,
    )


def debt(reference: str, amount_minor: int, *, day: int = 0, **changes: Any) -> UnclearedEffect:
    return effect("merchant.receivable", reference, amount_minor, day=day, **changes)


async def add(desk: Desk, *effects: UnclearedEffect) -> None:
    """Add one after another, as events come."""
    for each in effects:
        await desk.runtime.transaction(lambda tx, each=each: store.uncleared.add(tx, [each]))  # type: ignore[misc]


async def owed(desk: Desk, merchant_id: str = ALICE) -> dict[str, int]:
    request = pb.ListUnclearedRequest(merchant_id=merchant_id, account_kind="merchant.receivable")
    found = (await desk.call.ListUncleared(request, ANY)).amounts
    return {each.reference: int(each.amount_minor) for each in found}


async def pages(desk: Desk, **wanted: Any) -> list[list[str]]:
    """The references of each page, to the last."""
    request, seen = pb.ListUnclearedRequest(**wanted), []
    while True:
        response = await desk.call.ListUncleared(request, ANY)
        seen.append([each.reference for each in response.amounts])
        request.page_token = response.next_page_token
        if not request.page_token:
            return seen


async def test_what_is_left_of_debts_follows_whatever_comes_in_whichever_order(desk: Desk) -> None:
    await add(desk, debt("dsp_1", 100, day=1), debt("dsp_2", 50, day=2), debt("rec_1", -110, day=3))
    # The oldest is paid, and 10 of the next.
    assert await owed(desk) == {"dsp_2": 40}
    # What is told late is older than both, so it is paid first: 60 of dsp_1 are left then, and dsp_2 whole.
    await add(desk, debt("dsp_0", 70, day=0))
    assert await owed(desk) == {"dsp_1": 60, "dsp_2": 50}
    # A payment that is taken back in part leaves as much more.
    await add(desk, debt("rec_1", 30, day=4))
    assert await owed(desk) == {"dsp_1": 90, "dsp_2": 50}
    # A dispute that is won after all was none.
    await add(desk, debt("dsp_1", -100, day=5))
    assert await owed(desk) == {"dsp_2": 40}
    # More is paid than is owed; what is owed next is paid already, but for the rest.
    await add(desk, debt("rec_2", -60, day=6))
    assert await owed(desk) == {}
    await add(desk, debt("dsp_3", 25, day=7), debt("dsp_4", 9, day=8, merchant_id=BOB))
    assert (await owed(desk), await owed(desk, BOB)) == ({"dsp_3": 5}, {"dsp_4": 9})
    # The first of a debt is told last: it is as old as that, and the newest is what is left.
    await add(desk, debt("dsp_5", 10, day=9), debt("dsp_3", 0, day=10), debt("dsp_5", 0, day=6))
    assert await owed(desk) == {"dsp_3": 15}


STEPS = st.lists(
    st.tuples(st.sampled_from("abcd"), st.integers(-60, 60), st.integers(0, 6), st.sampled_from((ALICE, BOB))),
    max_size=14,
)


def left(steps: Sequence[tuple[str, int, int, str]]) -> dict[tuple[str, str], int]:
    """Pay debts off, the oldest first, by all that is not one: written a second time, one after another."""
    sums: dict[tuple[str, str], list[int]] = {}
    for reference, amount_minor, day, merchant_id in steps:
        at = sums.setdefault((merchant_id, reference), [0, day])
        at[:] = at[0] + amount_minor, min(at[1], day)
    found = {}
    for merchant_id in (ALICE, BOB):
        own = [(day, reference, minor) for (of, reference), (minor, day) in sums.items() if of == merchant_id]
        paid = -sum(minor for _, _, minor in own if minor < 0)
        for _, reference, minor in sorted(each for each in own if each[2] > 0):
            found[merchant_id, reference] = minor - min(minor, paid)
            paid -= min(minor, paid)
    return {key: minor for key, minor in found.items() if minor}


@of_accounting.ON_ONE_LEDGER
@given(steps=STEPS, at_once=st.sampled_from((1, 100)))
async def test_debts_are_paid_off_the_oldest_first_whatever_comes(
    desk: Desk, steps: list[tuple[str, int, int, str]], at_once: int
) -> None:
    effects = [debt(name, minor, day=day, merchant_id=merchant) for name, minor, day, merchant in steps]

    async def follow(tx: Tx) -> dict[tuple[str, str], int]:
        for start in range(0, len(effects), at_once):
            await store.uncleared.add(tx, effects[start : start + at_once])
        wanted = store.UnclearedFilter(clearing_days=tuple(DAYS.items()))
        found = await store.uncleared.list_(tx, wanted, now=START, after=None, limit=100)
        return {(row.merchant_id, row.reference): row.amount_minor for row in found.rows}

    assert await undone(desk.runtime, follow) == left(steps)


async def test_two_who_change_one_account_at_once_both_count(desk: Desk) -> None:
    first_wrote, first_may_end = asyncio.Event(), asyncio.Event()

    async def first(tx: Tx) -> None:
        await store.uncleared.add(tx, [debt("dsp_1", 100, day=1)])
        first_wrote.set()
        await first_may_end.wait()

    one = asyncio.create_task(desk.runtime.transaction(first))
    await asyncio.wait_for(first_wrote.wait(), timeout=HANG_S)
    other = asyncio.create_task(add(desk, debt("rec_1", -30, day=2)))
    await asyncio.wait([other], timeout=0.3)
    assert not other.done()
    first_may_end.set()
    await asyncio.gather(one, other)
    assert await owed(desk) == {"dsp_1": 70}


async def test_rows_that_a_rebuild_takes_away_or_writes_anew_leave_debts_right(desk: Desk, admin_url: str) -> None:
    await add(desk, debt("dsp_1", 100, day=1), debt("dsp_2", 50, day=2), debt("rec_1", -110, day=3))
    connection = await asyncpg.connect(admin_url, server_settings={"search_path": "reconciliation"})
    await connection.execute("DELETE FROM uncleared WHERE reference = 'rec_1'")
    assert await owed(desk) == {"dsp_1": 100, "dsp_2": 50}
    await connection.execute("DELETE FROM uncleared WHERE reference = 'dsp_2'")
    assert await owed(desk) == {"dsp_1": 100}
    await connection.execute(
        "INSERT INTO uncleared VALUES ('merchant.receivable', $1, 'USD', 'rec_1', '', -30, $2)", ALICE, START + DAY
    )
    assert await owed(desk) == {"dsp_1": 70}
    await connection.close()


async def test_pages_go_through_all_kinds_in_the_order_of_time_and_place(desk: Desk) -> None:
    await add(
        desk,
        effect("suspense", "s2", -5, day=2),
        debt("d1", 40, day=1),
        debt("d2", 60, day=2),
        debt("paid", -10, day=3),
        effect("merchant.disputed", "m2", 7, day=2),
        effect("channel.receivable", "c2", 9, day=2),
        effect("channel.receivable", "c0", 8, day=0),
        effect("channel.receivable", "cleared", 8, day=0),
        effect("channel.receivable", "cleared", -8, day=1),
    )
    # Of one time: channel.receivable, merchant.disputed, merchant.receivable, suspense.
    in_order = ["c0", "d1", "c2", "m2", "d2", "s2"]
    for size in (1, 2, 3, 5, 6, 7):
        found = await pages(desk, page_size=size)
        assert [reference for page in found for reference in page] == in_order, size
        assert [len(page) for page in found[:-1]] == [size] * (len(found) - 1)
    assert await pages(desk, merchant_id=ALICE, page_size=2) == [["d1", "m2"], ["d2"]]
    assert await pages(desk, account_kind="channel.receivable") == [["c0", "c2"]]
    assert await pages(desk, currency_code="EUR") == [[]]
    assert await pages(desk, account_kind="platform.fees") == [[]]


async def test_a_page_ends_after_so_many_rows_and_the_next_goes_on_there(desk: Desk) -> None:
    # Each of the seven kinds may look at a seventh of the rows; what is asked for stands behind them, of two kinds.
    examined = EXAMINED_ROWS_MAX // len(DAYS)
    many = [effect("suspense", f"s{at:05d}", -1, day=0) for at in range(examined + 10)]
    wanted = [
        effect("suspense", "last", -1, day=3, root_reference="pay_wanted"),
        effect("merchant.disputed", "between", 1, day=2, root_reference="pay_wanted"),
    ]
    await desk.runtime.transaction(lambda tx: store.uncleared.add(tx, [*many, *wanted]))
    assert await pages(desk, root_reference="pay_wanted") == [[], ["between", "last"]]
    # One kind alone may look at all of them.
    assert await pages(desk, root_reference="pay_wanted", account_kind="suspense") == [["last"]]


async def test_what_is_late_is_listed_page_by_page_while_time_passes(desk: Desk) -> None:
    # Clears within 7 days: those of the first two days are late.
    await add(desk, *(effect("suspense", f"s{day}", -1, day=day - 9) for day in (0, 1, 8)))
    request = pb.ListUnclearedRequest(overdue=True, page_size=1)
    first = await desk.call.ListUncleared(request, ANY)
    desk.runtime.clock.advance(timedelta(seconds=3))  # type: ignore[attr-defined]
    request.page_token = first.next_page_token
    second = await desk.call.ListUncleared(request, ANY)
    assert [[each.reference for each in page.amounts] for page in (first, second)] == [["s0"], ["s1"]]
    assert second.next_page_token == ""


async def test_a_token_without_a_place_of_the_list_is_refused(desk: Desk) -> None:
    request = pb.ListUnclearedRequest()
    wanted = messages.resolving.from_uncleared(request, days=DAYS)
    request.page_token = paging.encode_time_token((START, "suspense|USD"), ("ListUnclearedRequest", wanted))
    with pytest.raises(PageTokenInvalid):
        await desk.call.ListUncleared(request, ANY)


async def test_the_triggers_are_of_the_kinds_that_are_owed(desk: Desk) -> None:
    sql = "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgname LIKE 'open_debts%'"
    found = await desk.runtime.read(lambda tx: tx.fetch(sql))
    assert len(found) == 2
    for row in found:
        assert [kind for kind in DAYS if f"'{kind}'" in row[0]] == list(OWED_KINDS)


_BEFORE = """
INSERT INTO uncleared VALUES
    ('merchant.receivable', $1, 'USD', 'dsp_1', 'pay_1', 100, '2026-01-01'),
    ('merchant.receivable', $1, 'USD', 'dsp_2', 'pay_2', 50, '2026-01-02'),
    ('merchant.receivable', $1, 'USD', 'rec_1', '', -110, '2026-01-03'),
    ('merchant.receivable', $1, 'EUR', 'dsp_3', 'pay_3', 7, '2026-01-04'),
    ('merchant.receivable', $2, 'USD', 'rec_2', '', -5, '2026-01-05'),
    ('suspense', '', 'USD', 'pay_4', 'pay_4', -3, '2026-01-06')
"""


async def test_debts_of_before_are_there_after_the_migration_and_go_on(stack: Endpoints, tmp_path: Path) -> None:
    url = await databases.make_template(stack.postgres, [])
    await migrate.init(url, ["reconciliation"], password=databases.SERVICE_PASSWORD)
    await migrate.migrate(url, ["reconciliation"], target="reconciliation_0010")
    connection = await asyncpg.connect(url, server_settings={"search_path": "reconciliation"})
    await connection.execute(_BEFORE.replace("$1", f"'{ALICE}'").replace("$2", f"'{BOB}'"))
    await connection.close()
    await migrate.migrate(url, ["reconciliation"])
    async with runtimes.runtime(SERVICE, url, cache_dir=tmp_path) as runtime:
        desk = Desk(runtime)
        listed = (await desk.call.ListUncleared(pb.ListUnclearedRequest(), ANY)).amounts
        assert [(each.reference, each.amount_minor) for each in listed] == [
            ("dsp_2", "40"),
            ("dsp_3", "7"),
            ("pay_4", "-3"),
        ]
        # BOB has paid 5 ahead.
        await add(desk, debt("rec_9", -15, day=1), debt("dsp_9", 12, day=1, merchant_id=BOB))
        assert await counted(desk) == {("merchant.receivable", "USD"): 25 + 7, ("merchant.receivable", "EUR"): 7}


async def counted(desk: Desk) -> Mapping[tuple[str, str], int]:
    counts = await desk.runtime.read(lambda tx: store.uncleared.count(tx, DAYS, overdue_at=START))
    return {(each.account_kind, each.currency_code): each.amount_minor for each in counts if each.amount_minor > 0}
