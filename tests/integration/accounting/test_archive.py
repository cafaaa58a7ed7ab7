"""Archived months: what is dropped is in files, what is left says the same as before, or refuses by name."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from paykit.consume.delivery import Impossible
from paykit.process.runtime import Runtime
from paykit.testing.runtimes import act_as
from paystream.accounting.v1 import accounting_pb2 as pb
from paystream.payment.v1.events import DisputeLost
from services.accounting import store
from services.accounting.commands import journals
from services.accounting.commands.verification import verify
from services.accounting.domain.archive import MonthArchived
from services.accounting.domain.journal import Reversal
from services.accounting.domain.transaction import TransactionConflict, transaction_id
from services.accounting.rpc.accounting import AccountingServicer
from services.accounting.store import TransactionFilter
from services.accounting.store.archive import month_files
from tests.integration.accounting.books import account, balance, consume, rows
from tests.integration.accounting.old_months import (
    APRIL,
    FEBRUARY,
    JANUARY,
    PLACES,
    archive,
    booked_and_closed,
    disputed,
    given_back,
    id_of,
    noon,
    sold,
    utc,
)
from tests.unit.accounting.ledger import ALICE, CAUSE, reversed_

SETTLEMENT, INCOME, FEES = account("merchant.settlement", ALICE), account("platform.income"), account("platform.fees")


@pytest.fixture
async def old(ledger: Runtime) -> Runtime:
    await booked_and_closed(ledger)
    return ledger


async def places(ledger: Runtime, table: str) -> list[tuple[str, int]]:
    return [(name, count) for name, count in await rows(ledger, PLACES.format(table=table))]


async def test_a_month_is_in_its_file_and_what_later_steps_look_at_stays(
    old: Runtime, admin_url: str, tmp_path: Path
) -> None:
    directory = tmp_path / "archive"
    [manifest] = await archive(admin_url, JANUARY, to=directory)
    assert (manifest.transactions, manifest.entries) == (3, 8)
    assert sorted(path.name for path in directory.iterdir()) == ["journal-2024-01.avro", "journal-2024-01.json"]
    named = {(each.account_id, each.transaction_type): each for each in manifest.sums}
    captured, returned = named[SETTLEMENT, "PaymentSuccess"], named[SETTLEMENT, "RefundSuccess"]
    # 100.00 less a fee of 3.20, and 7.00.
    assert (captured.transactions, captured.debit_minor, captured.credit_minor) == (2, 10_700, 320)
    assert (captured.first_at, captured.last_at) == (noon(JANUARY, 1), noon(JANUARY, 2))
    assert (returned.transactions, returned.debit_minor, returned.credit_minor) == (1, 0, 200)
    # The dispute's opening stays in a table of the same name.
    assert await places(old, "journal") == [("journal_202401", 1), ("journal_202402", 1)]
    ids = [row.related_no for row in month_files.read_transactions(directory, JANUARY)]
    assert sorted(ids) == sorted([id_of("cap", JANUARY, 1), id_of("cap", JANUARY, 2), id_of("ref", JANUARY, 3)])
    report = await old.read(verify)
    assert (report.transactions, report.entries) == (2, 6)


async def test_balances_are_what_they_were_and_times_among_what_was_archived_are_refused(
    old: Runtime, admin_url: str, tmp_path: Path
) -> None:
    end_of_january = noon(JANUARY, 31)
    before = await balance(old, SETTLEMENT), await balance(old, SETTLEMENT, as_of=end_of_january)
    assert before == (10_000 - 320 + 700 - 200 - 2_500 + 4_950, 10_000 - 320 + 700 - 200 - 2_500)
    [manifest] = await archive(admin_url, JANUARY, to=tmp_path)
    assert (await balance(old, SETTLEMENT), await balance(old, SETTLEMENT, as_of=end_of_january)) == before
    # Before the first of what was archived there was nothing; between, one would need the rows.
    assert await balance(old, SETTLEMENT, as_of=noon(JANUARY, 1) - timedelta(seconds=1)) == 0
    with pytest.raises(MonthArchived) as refusal:
        await balance(old, SETTLEMENT, as_of=noon(JANUARY, 1))
    assert refusal.value.metadata["month"] == "2024-01"
    assert refusal.value.metadata["manifest_hash"] == manifest.hash
    # An account of which nothing was archived is known at any time.
    disputed_at = noon(JANUARY, 2)
    held = account("merchant.disputed", ALICE)
    assert [await balance(old, held, as_of=disputed_at - timedelta(seconds=1)), await balance(old, held)] == [0, 2_500]
    trial = await old.read(lambda tx: store.trial_balance(tx, as_of=end_of_january, currency_code=None))
    assert {(line.account_kind, line.debit_minor, line.credit_minor) for line in trial} == {
        ("merchant.settlement", 7_680, 0),
        ("merchant.disputed", 2_500, 0),
        ("platform.fees", 320, 0),
        ("platform.income", 0, 10_500),
    }
    with pytest.raises(MonthArchived):
        await old.read(lambda tx: store.trial_balance(tx, as_of=noon(JANUARY, 1), currency_code=None))


async def test_a_statement_of_a_later_month_is_what_it_was_and_one_of_an_archived_month_is_refused(
    old: Runtime, admin_url: str, tmp_path: Path
) -> None:
    [of] = [each for each in await old.read(lambda tx: store.accounts.select(tx, "true")) if each.account_id == FEES]

    async def statement(start: str, end: str) -> Any:
        return await old.read(
            lambda tx: store.statement(tx, of, start=utc(start), end=utc(end), behind=None, limit=100)
        )

    before = await statement("2024-02-01", "2024-03-01")
    assert (before.opening_balance_minor, before.closing_balance_minor, len(before.lines)) == (320, 370, 1)
    await archive(admin_url, JANUARY, to=tmp_path)
    assert await statement("2024-02-01", "2024-03-01") == before
    assert (await statement("2023-01-01", "2024-01-01")).closing_balance_minor == 0
    with pytest.raises(MonthArchived):
        await statement("2024-01-01", "2024-03-01")


async def test_a_replay_of_what_was_archived_changes_nothing_and_other_content_is_a_conflict(
    old: Runtime, admin_url: str, tmp_path: Path
) -> None:
    await archive(admin_url, JANUARY, FEBRUARY, to=tmp_path)
    entries = await rows(old, "SELECT * FROM entry ORDER BY transaction_id, line")
    balances = await rows(old, "SELECT * FROM balance ORDER BY account_id, stripe")
    assert await consume(old, sold(JANUARY, 1), sold(FEBRUARY, 4, amount_minor=5_000, fee_minor=50)) == [None, None]
    assert await consume(old, given_back(JANUARY, 3, of=JANUARY, amount_minor=200)) == [None]
    for other in (sold(JANUARY, 1, amount_minor=10_001), sold(JANUARY, 1, occurred_at=noon(JANUARY, 2))):
        [outcome] = await consume(old, other)
        assert isinstance(outcome, Impossible)
        assert isinstance(outcome.error, TransactionConflict)
    assert await rows(old, "SELECT * FROM entry ORDER BY transaction_id, line") == entries
    assert await rows(old, "SELECT * FROM balance ORDER BY account_id, stripe") == balances


async def test_what_is_told_late_of_an_archived_month_is_booked_once_and_its_steps_end(
    old: Runtime, admin_url: str, tmp_path: Path
) -> None:
    await archive(admin_url, JANUARY, to=tmp_path)
    told = noon(APRIL)
    ids = {"capture_id": id_of("cap", JANUARY, 1), "payment_id": id_of("pay", JANUARY, 1)}
    bounced = reversed_(1, occurred_at=told, **ids)
    for _ in range(2):
        assert await consume(old, bounced) == [None]
        assert await consume(old, disputed(DisputeLost, JANUARY, 1, occurred_at=told)) == [None]
    assert await balance(old, account("merchant.disputed", ALICE)) == 0
    assert await places(old, "journal") == [("journal_202401", 3), ("journal_202402", 1)]
    assert (await old.read(verify)).transactions == 4


async def test_what_is_in_transit_and_what_went_through_accounts_is_what_it_was(
    old: Runtime, admin_url: str, tmp_path: Path
) -> None:
    async def seen() -> list[Any]:
        return [
            await old.read(lambda tx: store.books.in_transit(tx, limit=100)),
            await old.read(lambda tx: store.account_flows(tx, "merchant.settlement", leaving_out=[])),
            await old.read(lambda tx: store.account_flows(tx, "merchant.settlement", leaving_out=["RefundSuccess"])),
            await old.read(store.books.kind_balances),
        ]

    before = await seen()
    assert [(each.reference, each.transactions, each.amount_minor) for each in before[0][1:]] == [
        ("PaymentSuccess", 3, 15_330),
        ("DisputeOpened", 1, -2_500),
        ("RefundSuccess", 1, -200),
    ]
    await archive(admin_url, JANUARY, FEBRUARY, to=tmp_path)
    assert await seen() == before


async def test_what_names_an_archived_transaction_is_refused_and_what_cannot_name_one_is_not(
    old: Runtime, admin_url: str, tmp_path: Path
) -> None:
    await archive(admin_url, JANUARY, to=tmp_path)

    async def listed(**selection: Any) -> list[str]:
        wanted = TransactionFilter(**selection)
        found = await old.read(lambda tx: store.transactions.list(tx, wanted, after=None, limit=10))
        return [each.transaction_type for each in found.rows]

    payment, capture_ = id_of("pay", JANUARY, 1), id_of("cap", JANUARY, 1)
    for selection in ({"root_reference": payment}, {"related_no": capture_}, {"start": noon(JANUARY, 1)}):
        with pytest.raises(MonthArchived):
            await listed(**selection)
    assert await listed(root_reference=id_of("pay", FEBRUARY, 4)) == ["PaymentSuccess"]
    assert await listed(related_no=id_of("dsp", JANUARY, 1)) == ["DisputeOpened"]
    assert await listed(start=noon(FEBRUARY, 1)) == ["PaymentSuccess"]
    assert await listed(merchant_id=ALICE) == ["PaymentSuccess", "DisputeOpened"]
    act_as("ann")
    key = transaction_id("PaymentSuccess", capture_)
    with pytest.raises(MonthArchived):
        await AccountingServicer(old).GetTransaction(pb.GetTransactionRequest(transaction_id=key), None)
    reversal = Reversal(transaction_id=key, reason="Wrong", effective_at=None, cause=CAUSE)
    [refusal] = await old.transaction(lambda tx: journals.reverse_transactions(tx, [reversal]))
    assert isinstance(refusal, MonthArchived)
