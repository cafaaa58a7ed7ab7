"""Items in two tables: what was collected comes back as it was, whichever it stands in, and each stands in one."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
import sqlalchemy
from hypothesis import given
from hypothesis import strategies as st

from paykit.clock import ManualClock
from paykit.postgres.database import Tx
from paykit.process import migrate
from paykit.testing import databases, runtimes
from paykit.testing.batches import undone
from paytools.localstack import Endpoints
from services.settlement import store
from services.settlement.domain.item import KINDS, ItemKind, SettlementItem, items_of
from services.settlement.domain.sums import Sums
from services.settlement.service import SERVICE
from services.settlement.store import PlacedItem
from services.settlement.store.item import _COLUMNS, _wide_row
from tests.integration.settlement.test_properties import ON_ONE_TILL
from tests.integration.settlement.till import Till
from tests.unit.settlement.builders import ALICE, BOB, MANUAL, NOON, booked, capture, entry, journal, refund

TABLES = "SELECT (SELECT count(*) FROM item) AS wide, (SELECT count(*) FROM narrow_item) AS narrow"

# Ids of the usual forms, and of others.
digits = st.text("0123456789abcdef", min_size=32, max_size=32)
unusual = st.sampled_from(["", "ticket-1", "cap_", "cap_" + "A" * 32, "pay_" + "0" * 31 + " ", "pay_0" + "0" * 32])
types = st.sampled_from([*KINDS, "Goodwill", "Reversal"])


@st.composite
def items(draw: st.DrawFn) -> SettlementItem:
    transaction_type = draw(types)
    letters = st.sampled_from(["cap_", "ref_", "dsp_", "rsr_", "rsc_", "rec_", "pay_", "stl_"])
    ids = st.one_of(st.builds(str.__add__, letters, digits), unusual)
    return SettlementItem(
        "txn_" + draw(digits),
        ALICE,
        "USD",
        KINDS.get(transaction_type, ItemKind.ADJUSTMENT),
        transaction_type,
        draw(ids),
        draw(ids),
        NOON + timedelta(microseconds=draw(st.integers(0, 3))),
        draw(st.sampled_from([1, -1, 2**53 - 1])),
        draw(st.sampled_from([0, -30, 2**53 - 1])),
    )


@ON_ONE_TILL
@given(
    drawn=st.lists(items(), min_size=1, max_size=12, unique_by=lambda item: item.transaction_id), size=st.integers(1, 5)
)
async def test_every_item_comes_back_as_it_was_page_by_page(till: Till, drawn: list[SettlementItem], size: int) -> None:
    async def run(tx: Tx) -> None:
        home = await collected(tx, drawn)
        found: list[PlacedItem] = []
        while page := await store.items_of_homes(tx, [home], after=found[-1].key if found else None, limit=size):
            found += page
        assert [placed.item for placed in found] == sorted(drawn, key=lambda item: (item.effective_at, item[0]))
        for item in drawn:
            placed = await store.items_of_transaction(tx, item.transaction_id, after=None, limit=5)
            assert placed == [PlacedItem(item, home)]
        present = await store.present_items(tx, [item.transaction_id for item in drawn])
        assert present == {(item.transaction_id, ALICE) for item in drawn}

    await undone(till.runtime, run)


async def collected(tx: Tx, drawn: Sequence[SettlementItem]) -> str:
    """Insert items of a settlement that begins to collect, and return its id."""
    home = "stl_" + "5" * 32
    await store.settlements.collect(tx, {(ALICE, "USD", None): Sums()}, new_ids=[home], due=[None])
    await store.insert_items(tx, [(home, drawn)])
    return home


async def test_payments_refunds_and_disputes_are_narrow_and_journals_are_not(till: Till) -> None:
    await till.policy(MANUAL)
    dispute = booked(
        "DisputeOpened",
        "dsp_" + "3" * 32,
        [entry("merchant.settlement", -7), entry("merchant.disputed", 7)],
        root_reference="pay_" + "1" * 32,
    )
    await till.consume(capture(1, 1_000, 30), refund(1, 400), dispute)
    assert await till.rows(TABLES) == [(0, 3)]
    goodwill = booked("Goodwill", "ticket-1", [entry("merchant.settlement", 5), entry("platform.fees", -5, None)])
    await till.consume(goodwill, journal(9, available=5))
    assert await till.rows(TABLES) == [(1, 3)]


async def test_a_transaction_of_two_merchants_is_an_item_of_each(till: Till) -> None:
    """Whatever its type and ids: a narrow row is the one of its transaction."""
    shared = booked(
        "DisputeWon",
        "dsp_" + "3" * 32,
        [entry("merchant.settlement", 5), entry("merchant.settlement", 7, BOB)],
        root_reference="pay_" + "1" * 32,
    )
    for _ in range(2):
        await till.consume(shared, capture(1))
    assert await till.rows(TABLES) == [(2, 1)]
    found = await till.runtime.read(
        lambda tx: store.items_of_transaction(tx, shared.transaction_id, after=None, limit=5)
    )
    assert [(placed.item.merchant_id, placed.item.amount_minor) for placed in found] == [(ALICE, 5), (BOB, 7)]


async def as_before(tx: Tx, collected_items: Sequence[tuple[SettlementItem, str]]) -> None:
    """Insert items as builds before narrow ones do."""
    await tx.copy("item", _COLUMNS, sorted(_wide_row(item, home) for item, home in collected_items))


async def test_what_a_build_before_collected_is_collected_once_and_listed_among_the_others(till: Till) -> None:
    await till.policy(MANUAL)
    old, new = capture(1, 1_000, 30), capture(2, 500)
    await till.consume(new)
    [settlement] = await till.settlements()

    async def before(tx: Tx) -> None:
        await as_before(tx, [(items_of(old)[0], settlement.settlement_id)])
        await tx.run("UPDATE settlement SET item_count = 2, payments_minor = 1500, fees_minor = -30")

    await till.runtime.transaction(before)
    for _ in range(2):
        await till.consume(old, new, capture(3, 7))
    assert await till.rows(TABLES) == [(1, 2)]
    [settlement] = await till.settlements()
    assert (settlement.sums.item_count, settlement.sums.total_minor) == (3, 1_477)
    amounts = [placed.item.amount_minor for placed in await till.items(settlement.settlement_id)]
    assert sorted(amounts) == [7, 500, 1_000]
    await till.runtime.read(store.check_settlements)


async def test_the_database_refuses_a_transaction_that_is_in_the_other_table(till: Till) -> None:
    await till.policy(MANUAL)
    await till.consume(capture(1))
    [settlement] = await till.settlements()
    [item] = items_of(capture(1))
    with pytest.raises(asyncpg.UniqueViolationError, match="is an item already"):
        await till.runtime.transaction(lambda tx: as_before(tx, [(item, settlement.settlement_id)]))
    [other] = items_of(capture(2))
    await till.runtime.transaction(lambda tx: as_before(tx, [(other, settlement.settlement_id)]))
    with pytest.raises(asyncpg.UniqueViolationError, match="is an item already"):
        await till.runtime.transaction(lambda tx: store.insert_items(tx, [(settlement.settlement_id, [other])]))


async def test_verify_finds_what_is_wrong_with_narrow_items(till: Till, admin_url: str) -> None:
    await till.policy(MANUAL)
    await till.consume(capture(1), capture(2))
    connection = await asyncpg.connect(admin_url)
    for statement, undo, said in (
        (
            "UPDATE settlement.narrow_item SET form = 99",
            "UPDATE settlement.narrow_item SET form = 1",
            "is of a form 99, which is none",
        ),
        (
            "UPDATE settlement.narrow_item SET amount_minor = amount_minor + 1",
            "UPDATE settlement.narrow_item SET amount_minor = amount_minor - 1",
            "its items sum up to",
        ),
        (
            "UPDATE settlement.narrow_item SET settlement_id = gen_random_uuid()",
            "SELECT 1",
            "which does not exist",
        ),
    ):
        await connection.execute(statement)
        with pytest.raises(Exception, match=said):
            await till.runtime.read(store.check_settlements)
        await connection.execute(undo)
    await connection.close()


@pytest.fixture
async def at_0004(stack: Endpoints) -> str:
    """A schema of the build before narrow items: an administrator's URL."""
    url = await databases.make_template(stack.postgres, [])
    await migrate.init(url, ["settlement"], password=databases.SERVICE_PASSWORD)
    await migrate.migrate(url, ["settlement"], target="settlement_0004")
    return url


async def test_old_rows_are_read_after_the_migration_and_what_comes_again_meets_them(
    at_0004: str, tmp_path: Path
) -> None:
    connection = await asyncpg.connect(at_0004, server_settings={"search_path": "settlement"})
    item = items_of(capture(1, 1_000, 30))[0]
    home = "stl_" + "4" * 32
    await connection.execute(
        "INSERT INTO settlement (settlement_id, holder_id, merchant_id, currency_code, state, item_count, "
        "payments_minor, refunds_minor, fees_minor, disputes_minor, reserve_released_minor, adjustments_minor, "
        "create_time, update_time) VALUES ($1, $1, $2, 'USD', 'PENDING', 1, 1000, 0, -30, 0, 0, 0, $3, $3)",
        home,
        ALICE,
        NOON,
    )
    await connection.copy_records_to_table("item", records=[_wide_row(item, home)], columns=list(_COLUMNS))
    await migrate.migrate(at_0004, ["settlement"], target="settlement_0005")
    role = "SELECT has_table_privilege('paystream_settlement', 'narrow_item', 'INSERT')"
    assert await connection.fetchval(role) is False
    await migrate.migrate(at_0004, ["settlement"])
    assert await connection.fetchval(role) is True
    await connection.close()
    server = sqlalchemy.make_url(at_0004)
    url = sqlalchemy.URL.create("postgresql", host=server.host, port=server.port, database=server.database)
    async with runtimes.runtime(SERVICE, str(url), cache_dir=tmp_path, clock=ManualClock(NOON)) as runtime:
        till = Till(runtime, ManualClock(NOON))
        await till.consume(capture(1, 1_000, 30), capture(2, 500))
        assert await till.rows(TABLES) == [(1, 1)]
        [settlement] = await till.settlements()
        assert (settlement.settlement_id, settlement.sums.total_minor) == (home, 1_470)
        assert [placed.item for placed in await till.items(home)] == sorted([item, items_of(capture(2, 500))[0]])
        await runtime.read(store.check_settlements)
