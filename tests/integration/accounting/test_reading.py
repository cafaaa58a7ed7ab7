"""Statements and trial balances, against values worked out by hand."""

from datetime import datetime, timedelta

from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from services.accounting import store
from services.accounting.domain.statement import LineKey, Statement, StatementLine
from services.accounting.store import TransactionFilter
from tests.integration.accounting.books import account, consume
from tests.unit.accounting.ledger import ALICE, BOB, NOON, capture, payment_id, refund, refund_id

SETTLEMENT = account("merchant.settlement", ALICE)
HOUR = timedelta(hours=1)


async def statement(
    ledger: Runtime,
    *,
    start: datetime = NOON - 9 * HOUR,
    end: datetime = NOON + 9 * HOUR,
    behind: LineKey | None = None,
    limit: int = 100,
) -> Statement:
    async def query(tx: Tx) -> Statement:
        found = await store.accounts.by_key(tx, [SETTLEMENT])
        return await store.statement(tx, found[SETTLEMENT], start=start, end=end, behind=behind, limit=limit)

    return await ledger.read(query)


async def some_days(ledger: Runtime) -> None:
    await consume(
        ledger,
        capture(1, occurred_at=NOON, amount_minor=10_000, fee_minor=320),
        capture(2, occurred_at=NOON + 2 * HOUR, amount_minor=5_000, fee_minor=0),
    )
    await consume(ledger, refund(1, occurred_at=NOON + HOUR, amount_minor=4_000, fee_returned_minor=128))


async def test_a_statement_runs_from_opening_to_closing_balance(ledger: Runtime) -> None:
    await some_days(ledger)
    whole = await statement(ledger)
    assert [(line.effect * line.amount_minor, line.running_balance_minor) for line in whole.lines] == [
        (+10_000, 10_000),
        (-320, 9_680),
        (-4_000, 5_680),
        (+128, 5_808),
        (+5_000, 10_808),
    ]
    assert (whole.opening_balance_minor, whole.closing_balance_minor) == (0, 10_808)


async def test_a_statement_of_an_hour_opens_with_what_was_before(ledger: Runtime) -> None:
    await some_days(ledger)
    part = await statement(ledger, start=NOON + HOUR, end=NOON + 2 * HOUR)
    assert (part.opening_balance_minor, part.closing_balance_minor) == (9_680, 5_808)
    assert [line.running_balance_minor for line in part.lines] == [5_680, 5_808]


async def test_pages_of_a_statement_join_without_a_seam(ledger: Runtime) -> None:
    await some_days(ledger)
    whole = await statement(ledger)
    pages: list[StatementLine] = []
    behind = None
    for _ in range(3):
        page = await statement(ledger, behind=behind, limit=2)
        pages += page.lines
        behind = page.lines[-1].key
    assert tuple(pages) == whole.lines
    assert (await statement(ledger, behind=behind, limit=2)).lines == ()


async def test_a_statement_names_what_moved_the_money(ledger: Runtime) -> None:
    await some_days(ledger)
    line = (await statement(ledger)).lines[2]
    assert (line.transaction_type, line.related_no, line.effective_at) == (
        "RefundSuccess",
        f"ref_{1:032x}",
        NOON + HOUR,
    )


async def test_the_trial_balance_shows_each_kind_on_its_side(ledger: Runtime) -> None:
    await some_days(ledger)
    await consume(ledger, capture(3, merchant_id=BOB, currency_code="JPY", amount_minor=500, fee_minor=20))
    lines = await ledger.read(lambda tx: store.trial_balance(tx, as_of=None, currency_code=None))
    assert [(each.currency_code, each.account_kind, each.debit_minor, each.credit_minor) for each in lines] == [
        ("JPY", "merchant.settlement", 480, 0),
        ("JPY", "platform.fees", 20, 0),
        ("JPY", "platform.income", 0, 500),
        ("USD", "merchant.settlement", 10_808, 0),
        ("USD", "platform.fees", 192, 0),
        ("USD", "platform.income", 0, 11_000),
    ]


async def test_the_trial_balance_of_a_time_leaves_out_what_came_later(ledger: Runtime) -> None:
    await some_days(ledger)
    lines = await ledger.read(lambda tx: store.trial_balance(tx, as_of=NOON, currency_code="USD"))
    assert [(each.account_kind, each.debit_minor, each.credit_minor) for each in lines] == [
        ("merchant.settlement", 9_680, 0),
        ("platform.fees", 320, 0),
        ("platform.income", 0, 10_000),
    ]


async def test_an_overdrawn_kind_stands_on_the_other_side(ledger: Runtime) -> None:
    await consume(ledger, refund(1, amount_minor=4_000))
    lines = await ledger.read(lambda tx: store.trial_balance(tx, as_of=None, currency_code=None))
    assert [(each.account_kind, each.debit_minor, each.credit_minor) for each in lines] == [
        ("merchant.settlement", 0, 4_000),
        ("platform.income", 4_000, 0),
    ]


async def listed(ledger: Runtime, wanted: TransactionFilter) -> list[str]:
    found = await ledger.read(lambda tx: store.transactions.list(tx, wanted, after=None, limit=10))
    return [each.related_no[:4] + each.related_no[-1] for each in found.rows]


async def test_transactions_are_listed_latest_first_and_filtered(ledger: Runtime) -> None:
    await some_days(ledger)
    await consume(ledger, capture(3, merchant_id=BOB, occurred_at=NOON + 3 * HOUR))
    assert await listed(ledger, TransactionFilter()) == ["cap_3", "cap_2", "ref_1", "cap_1"]
    assert await listed(ledger, TransactionFilter(merchant_id=BOB)) == ["cap_3"]
    assert await listed(ledger, TransactionFilter(root_reference=payment_id(1))) == ["ref_1", "cap_1"]
    assert await listed(ledger, TransactionFilter(related_no=refund_id(1))) == ["ref_1"]
    assert await listed(ledger, TransactionFilter(related_no=payment_id(1))) == []
    assert await listed(ledger, TransactionFilter(transaction_type="RefundSuccess")) == ["ref_1"]
    assert await listed(ledger, TransactionFilter(merchant_id=ALICE, transaction_type="PaymentSuccess")) == [
        *("cap_2", "cap_1"),
    ]
    assert await listed(ledger, TransactionFilter(currency_code="JPY")) == []
    assert await listed(ledger, TransactionFilter(currency_code="USD", merchant_id=BOB)) == ["cap_3"]
    assert await listed(ledger, TransactionFilter(start=NOON + HOUR, end=NOON + 3 * HOUR)) == ["cap_2", "ref_1"]


async def test_a_transaction_read_back_is_the_one_booked(ledger: Runtime) -> None:
    await some_days(ledger)
    found = await ledger.read(
        lambda tx: store.transactions.list(tx, TransactionFilter(root_reference=payment_id(1)), after=None, limit=10)
    )
    kinds = [(each.account_kind, each.merchant_id, each.amount_minor) for each in found.rows[1].entries]
    assert kinds == [
        ("merchant.settlement", ALICE, 10_000),
        ("platform.income", None, 10_000),
        ("merchant.settlement", ALICE, 320),
        ("platform.fees", None, 320),
    ]
