"""Statements and balances as of a time, against all entries read plainly: whatever leads to an account's entries."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest

from paykit.ids import new_id
from paykit.process.runtime import Runtime
from paystream.accounting.v1 import accounting_pb2 as pb
from paystream.payment.v1.events import LateCaptureReceived
from services.accounting import store
from services.accounting.commands import journals
from services.accounting.domain.transaction import Account
from tests.integration.accounting.books import consume, rows
from tests.line.replies import checked
from tests.line.servicers import AccountingCalls
from tests.unit.accounting.ledger import ALICE, BOB, NOON, capture, credit, debit, journal, late, refund, resolved

SEED = 11
"""Of what is booked: the same in every run."""

DAYS = 3
_BEGINNING = datetime(1, 1, 1, tzinfo=UTC)

_ENTRIES = """
SELECT effective_at, transaction_id, line, effect * amount_minor AS effect_minor FROM entry
WHERE account_id = $1 ORDER BY effective_at, transaction_id COLLATE "C", line
"""


class Line(NamedTuple):
    effective_at: datetime
    transaction_id: str
    line: int
    effect_minor: int


def times(chance: random.Random) -> datetime:
    """Return a time of few, so that many transactions have the same one."""
    return NOON - timedelta(days=chance.randrange(DAYS), hours=chance.randrange(3))


@pytest.fixture
async def kept(ledger: Runtime) -> Runtime:
    """A ledger of small and large batches of two merchants, with months and without, at times in no order."""
    chance = random.Random(SEED)  # noqa: S311 - of a test
    number = 10
    for size in (1, 40, 2, 1, 35, 3, 1, 1):
        batch = []
        for _ in range(size):
            number += 1
            ids = {"capture_id": new_id("cap"), "payment_id": new_id("pay")} if chance.random() < 0.7 else {}
            merchant_id = chance.choice([ALICE, ALICE, BOB])
            fee_minor = chance.choice([0, 320])
            batch.append(
                capture(number, merchant_id=merchant_id, fee_minor=fee_minor, occurred_at=times(chance), **ids)
            )
        assert set(await consume(ledger, *batch)) == {None}
        assert set(await consume(ledger, refund(number, occurred_at=times(chance), refund_id=new_id("ref")))) == {None}
    assert set(await consume(ledger, late(LateCaptureReceived, 1, occurred_at=times(chance)))) == {None}
    assert set(await consume(ledger, resolved(1, charged_minor=100, written_off_minor=200))) == {None}
    wide = [
        journal(
            debit("merchant.settlement", 500, ALICE),
            credit("platform.fees", 300),
            debit("merchant.settlement", 7, BOB),
            credit("platform.income", 207),
            related_no=f"ticket-{at}",
            effective_at=times(chance),
        )
        for at in range(3)
    ]
    assert len(await ledger.transaction(lambda tx: journals.create_transactions(tx, wide))) == len(wide)
    # Two more lines on one account, and a transfer from an account to itself.
    twice = [
        journal(debit("platform.income", 5), credit("platform.income", 5), related_no="itself"),
        journal(debit("platform.fees", 1), credit("platform.income", 2), debit("platform.fees", 1), related_no="twice"),
    ]
    assert len(await ledger.transaction(lambda tx: journals.create_transactions(tx, twice))) == len(twice)
    return ledger


async def accounts(ledger: Runtime) -> list[Account]:
    return await ledger.read(lambda tx: store.accounts.list(tx, store.AccountFilter(), after=None, limit=100))


async def entries(ledger: Runtime, account: Account) -> list[Line]:
    return [Line(*row) for row in await rows(ledger, _ENTRIES, account.account_id)]


async def pages(ledger: Runtime, account: Account, *, size: int, **bounds: Any) -> list[pb.ListEntriesResponse]:
    request = pb.ListEntriesRequest(account_id=account.account_id, page_size=size)
    for name, at in bounds.items():
        getattr(request, name).FromDatetime(at)
    call, found = checked(AccountingCalls(ledger)), []
    while True:
        found.append(await call.ListEntries(request, None))
        if not found[-1].next_page_token:
            return found
        request.page_token = found[-1].next_page_token


def shown(page: Sequence[pb.ListEntriesResponse]) -> list[tuple[Any, ...]]:
    return [
        (
            *(line.effective_time.ToDatetime(UTC), line.transaction_id, line.line, line.effect * line.amount_minor),
            int(line.running_balance_minor),
        )
        for response in page
        for line in response.lines
    ]


def expected(lines: Sequence[Line], start: datetime, end: datetime) -> tuple[int, list[tuple[Any, ...]], int]:
    """Return opening balance, lines with their running balance, and closing balance."""
    opening = balance = sum(line.effect_minor for line in lines if line.effective_at < start)
    found = []
    for line in lines:
        if start <= line.effective_at < end:
            balance += line.effect_minor
            found.append((*line, balance))
    return opening, found, balance


@pytest.mark.parametrize("size", [1, 7, 1_000])
async def test_every_page_of_every_statement_is_what_the_entries_say(kept: Runtime, size: int) -> None:
    begin = NOON - timedelta(days=DAYS)
    bounds = [
        (begin, NOON + timedelta(days=1)),
        (NOON - timedelta(days=1), NOON),
        (NOON - timedelta(days=1, hours=1), NOON - timedelta(days=1, hours=1) + timedelta(microseconds=1)),
    ]
    looked_at = 0
    for account in await accounts(kept):
        lines = await entries(kept, account)
        for start, end in bounds if size > 1 else bounds[1:]:
            found = await pages(kept, account, size=size, effective_time_min=start, effective_time_before=end)
            opening, wanted, closing = expected(lines, start, end)
            assert shown(found) == wanted, account
            assert {int(page.opening_balance_minor) for page in found} == {opening}
            assert {int(page.closing_balance_minor) for page in found} == {closing}
            looked_at += len(wanted)
    assert looked_at > 100


async def test_balances_as_of_every_time_are_what_the_entries_say(kept: Runtime) -> None:
    moments = {
        moment
        for account in await accounts(kept)
        for line in await entries(kept, account)
        for moment in (line.effective_at, line.effective_at - timedelta(microseconds=1))
    }
    totals: dict[datetime, dict[str, int]] = {moment: {} for moment in moments}
    for account in await accounts(kept):
        lines = await entries(kept, account)
        for moment in sorted(moments):
            as_of = await kept.read(
                lambda tx, account=account, moment=moment: store.balance_of(  # type: ignore[misc]
                    tx, account.account_id, as_of=moment
                )
            )
            wanted = sum(line.effect_minor for line in lines if line.effective_at <= moment)
            assert as_of == wanted, (account, moment)
            sums = totals[moment]
            sign = 1 if account.normal_side == "DEBIT" else -1
            sums[account.account_kind] = sums.get(account.account_kind, 0) + sign * wanted
    for moment, sums in totals.items():
        trial = await kept.read(
            lambda tx, moment=moment: store.trial_balance(tx, as_of=moment, currency_code=None)  # type: ignore[misc]
        )
        assert {line.account_kind: line.debit_minor - line.credit_minor for line in trial} == sums
