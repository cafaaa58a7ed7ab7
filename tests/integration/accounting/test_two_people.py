"""Journals and periods that take two people, as they call the service."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from google.rpc import error_details_pb2

from paykit.base.four_eyes import SamePerson
from paykit.errors import IllegalTransition
from paykit.process.runtime import Runtime
from paykit.serve.timestamps import to_timestamp
from paykit.testing.runtimes import act_as
from paystream.accounting.v1 import accounting_pb2 as pb
from services.accounting import store
from services.accounting.commands.verification import verify
from services.accounting.domain.journal import JournalNeedsApproval
from services.accounting.domain.period import PeriodClosed
from services.accounting.domain.transaction import InsufficientFunds
from tests.integration.accounting.books import account, balance, consume, rows
from tests.line.replies import checked
from tests.line.servicers import AccountingCalls
from tests.unit.accounting.ledger import ALICE, NOON, capture, refund

ANY: Any = None
NEW_YEAR = datetime(2021, 1, 1, tzinfo=UTC)
SETTLEMENT = account("merchant.settlement", ALICE)
RECEIVABLE = account("merchant.receivable", ALICE)


@pytest.fixture
def call(ledger: Runtime) -> AccountingCalls:
    act_as("ann")
    return checked(AccountingCalls(ledger))


def leg(kind: str, side: pb.Side.ValueType, amount: int) -> pb.JournalEntry:
    key = pb.AccountKey(account_kind=kind, merchant_id=ALICE if kind.startswith("merchant.") else "")
    return pb.JournalEntry(account_key=key, side=side, amount_minor=amount)


def entries(debited: str, credited: str, amount: int) -> list[pb.JournalEntry]:
    return [leg(debited, pb.SIDE_DEBIT, amount), leg(credited, pb.SIDE_CREDIT, amount)]


def content(debited: str, credited: str, amount: int, *, kind: str = "Goodwill", number: int = 1) -> pb.JournalContent:
    return pb.JournalContent(
        transaction_type=kind,
        related_no=f"ticket-{number}",
        currency_code="USD",
        entries=entries(debited, credited, amount),
    )


async def book_batch(call: AccountingCalls, *journals: pb.JournalContent) -> list[str]:
    """Book as one person, and give the reason of each refusal, empty for what was booked."""
    requests = [
        pb.CreateTransactionRequest(
            request_id=str(uuid.uuid4()),
            transaction_type=journal.transaction_type,
            related_no=journal.related_no,
            currency_code=journal.currency_code,
            entries=journal.entries,
            reason="As agreed",
        )
        for journal in journals
    ]
    reply = await call.BatchCreateTransactions(pb.BatchCreateTransactionsRequest(requests=requests), ANY)
    return [reason_of(result) for result in reply.results]


def reason_of(result: pb.BatchCreateTransactionsResponse.Result) -> str:
    info = error_details_pb2.ErrorInfo()
    return next((info.reason for detail in result.error.details if detail.Unpack(info)), "")


async def propose(call: AccountingCalls, person: str = "ann", **fields: Any) -> pb.JournalProposal:
    act_as(person)
    request = pb.ProposeJournalRequest(request_id=str(uuid.uuid4()), reason="As agreed", **fields)
    return (await call.ProposeJournal(request, ANY)).proposal


async def approve(call: AccountingCalls, proposal: pb.JournalProposal, person: str) -> pb.JournalProposal:
    act_as(person)
    request = pb.ApproveJournalRequest(request_id=str(uuid.uuid4()), proposal_id=proposal.proposal_id, reason="Seen")
    return (await call.ApproveJournal(request, ANY)).proposal


async def book_alone(call: AccountingCalls, amount: int, number: int, person: str = "ann", **fields: Any) -> None:
    act_as(person)
    request = pb.CreateTransactionRequest(
        request_id=str(uuid.uuid4()),
        transaction_type="Goodwill",
        related_no=f"alone-{number}",
        currency_code="USD",
        entries=entries("merchant.settlement", "platform.fees", amount),
        reason="A complaint",
        **fields,
    )
    await call.CreateTransaction(request, ANY)


async def close(call: AccountingCalls, person: str, end: datetime = NEW_YEAR) -> pb.Period:
    act_as(person)
    request = pb.ClosePeriodRequest(request_id=str(uuid.uuid4()), end_time=to_timestamp(end), reason="2020")
    return (await call.ClosePeriod(request, ANY)).period


async def trial_balance(call: AccountingCalls, as_of: datetime) -> pb.GetTrialBalanceResponse:
    return await call.GetTrialBalance(pb.GetTrialBalanceRequest(as_of_time=to_timestamp(as_of)), ANY)


async def test_a_journal_is_booked_once_another_person_approves_it_with_both_names_kept(
    call: AccountingCalls, ledger: Runtime
) -> None:
    await consume(ledger, capture(1))
    proposal = await propose(call, journal=content("merchant.settlement", "platform.fees", 5_000_000))
    assert (proposal.state, proposal.proposer) == (pb.JOURNAL_PROPOSAL_STATE_PROPOSED, "ann")
    assert await balance(ledger, SETTLEMENT) == 9_680
    for person in ("ann", "ANN"):
        with pytest.raises(SamePerson):
            await approve(call, proposal, person)
    booked = await approve(call, proposal, "bob")
    assert (booked.state, booked.decider) == (pb.JOURNAL_PROPOSAL_STATE_BOOKED, "bob")
    assert await balance(ledger, SETTLEMENT) == 9_680 + 5_000_000
    made = (await call.GetTransaction(pb.GetTransactionRequest(transaction_id=booked.transaction_id), ANY)).transaction
    assert (made.actor, made.reason, made.transaction_type) == ("bob", "As agreed", "Goodwill")
    with pytest.raises(IllegalTransition):
        await approve(call, proposal, "carl")
    listed = await call.ListJournalProposals(pb.ListJournalProposalsRequest(proposer="ann"), ANY)
    assert list(listed.proposals) == [booked]
    await ledger.read(verify)


async def test_two_proposals_of_one_journal_book_it_once(call: AccountingCalls, ledger: Runtime) -> None:
    await consume(ledger, capture(1))
    goodwill = content("merchant.settlement", "platform.fees", 5_000_000)
    first, second = [await propose(call, journal=goodwill) for _ in range(2)]
    booked = [await approve(call, proposal, "bob") for proposal in (first, second)]
    assert booked[0].transaction_id == booked[1].transaction_id
    assert await balance(ledger, SETTLEMENT) == 9_680 + 5_000_000


async def test_five_journals_of_two_thirds_of_the_limit_do_not_pass_one_person(
    call: AccountingCalls, ledger: Runtime
) -> None:
    # 10,000.00 a day by one person: 6,000.00 pass, 6,000.00 more do not, by whichever spelling of the name.
    await consume(ledger, capture(1))
    await book_alone(call, 600_000, 1)
    for number, person in enumerate(["ann", "ANN", " ann"], start=2):
        with pytest.raises(JournalNeedsApproval):
            await book_alone(call, 600_000, number, person.strip())
    await book_alone(call, 400_000, 6)
    await book_alone(call, 600_000, 7, "bob")
    # What two people decided counts for neither; a day later there is room again.
    proposal = await propose(call, journal=content("merchant.settlement", "platform.fees", 900_000))
    await approve(call, proposal, "carl")
    await book_alone(call, 1_000_000, 8, "carl")
    ledger.clock.advance(timedelta(hours=24, seconds=1))  # type: ignore[attr-defined]  # The clock of a test.
    await book_alone(call, 1_000_000, 9)
    await ledger.read(verify)


async def test_what_funds_did_not_suffice_for_opens_no_way_past_the_limit_within_a_batch(
    call: AccountingCalls, ledger: Runtime
) -> None:
    # 1.00 that is not available is refused; 10,000.01 under the same name is refused in the same batch, as it is alone.
    await consume(ledger, capture(1))
    short = content("merchant.settlement", "merchant.available", 100)
    large = content("merchant.settlement", "platform.fees", 1_000_001)
    refused = await book_batch(call, short, large)
    assert refused == ["INSUFFICIENT_FUNDS", "JOURNAL_NEEDS_APPROVAL"]
    assert await balance(ledger, SETTLEMENT) == 9_680


async def test_what_funds_did_not_suffice_for_takes_no_room_below_the_limit(
    call: AccountingCalls, ledger: Runtime
) -> None:
    # 6,000.00 that are not available are refused, so that 6,000.00 of others and 4,000.00 more stay within 10,000.00.
    await consume(ledger, capture(1))
    short = content("merchant.settlement", "merchant.available", 600_000)
    large = content("merchant.settlement", "platform.fees", 600_000, number=2)
    rest = content("merchant.settlement", "platform.fees", 400_000, number=3)
    one_more = content("merchant.settlement", "platform.fees", 1, number=4)
    assert await book_batch(call, short, large, rest, one_more) == [
        *("INSUFFICIENT_FUNDS", "", ""),
        "JOURNAL_NEEDS_APPROVAL",
    ]
    assert await balance(ledger, SETTLEMENT) == 9_680 + 1_000_000


async def test_two_calls_at_once_do_not_both_find_room_below_the_limit(call: AccountingCalls, ledger: Runtime) -> None:
    await consume(ledger, capture(1))
    results = await asyncio.gather(*(book_alone(call, 600_000, n) for n in range(4)), return_exceptions=True)
    assert sorted(type(each).__name__ for each in results) == ["JournalNeedsApproval"] * 3 + ["NoneType"]


async def test_a_merchant_that_leaves_owing_becomes_a_debtor_and_is_written_off(
    call: AccountingCalls, ledger: Runtime
) -> None:
    await consume(ledger, refund(1, amount_minor=320))
    owing = await propose(
        call,
        journal=content("merchant.settlement", "merchant.receivable", 320, kind="CorrectionClosing"),
    )
    await approve(call, owing, "bob")
    assert (await balance(ledger, SETTLEMENT), await balance(ledger, RECEIVABLE)) == (0, 320)
    too_much = await propose(
        call, journal=content("merchant.receivable", "platform.losses", 321, kind="WriteOff", number=2)
    )
    with pytest.raises(InsufficientFunds):
        await approve(call, too_much, "bob")
    written_off = await propose(
        call, journal=content("merchant.receivable", "platform.losses", 320, kind="WriteOff", number=3)
    )
    await approve(call, written_off, "bob")
    assert (await balance(ledger, RECEIVABLE), await balance(ledger, account("platform.losses"))) == (0, 320)
    states = await rows(ledger, "SELECT state FROM journal_proposal ORDER BY create_time, proposal_id")
    assert sorted(states) == [("BOOKED",), ("BOOKED",), ("PROPOSED",)]
    await ledger.read(verify)


async def test_a_journal_is_reversed_by_two_people_once(call: AccountingCalls, ledger: Runtime) -> None:
    await consume(ledger, capture(1))
    booked = await approve(
        call, await propose(call, journal=content("merchant.settlement", "platform.fees", 2_000_000)), "bob"
    )
    act_as("ann")
    with pytest.raises(JournalNeedsApproval):
        await call.ReverseTransaction(
            pb.ReverseTransactionRequest(
                request_id=str(uuid.uuid4()), transaction_id=booked.transaction_id, reason="Wrong"
            ),
            ANY,
        )
    await approve(call, await propose(call, reverses_transaction_id=booked.transaction_id), "bob")
    assert await balance(ledger, SETTLEMENT) == 9_680
    await ledger.read(verify)


async def test_what_is_closed_changes_no_more(call: AccountingCalls, ledger: Runtime) -> None:
    await consume(ledger, capture(1, occurred_at=NEW_YEAR - timedelta(days=2)))
    first = await close(call, "ann")
    assert (first.state, (await close(call, "Ann")).state) == (pb.PERIOD_STATE_PROPOSED, pb.PERIOD_STATE_PROPOSED)
    assert (await close(call, "bob")).state == pb.PERIOD_STATE_CLOSED
    closed = await trial_balance(call, NEW_YEAR)
    dated: dict[str, Any] = {"effective_time": to_timestamp(datetime(2020, 12, 31, tzinfo=UTC))}
    with pytest.raises(PeriodClosed):
        await book_alone(call, 500, 1, **dated)
    with pytest.raises(PeriodClosed):
        await propose(call, journal=content("merchant.settlement", "platform.fees", 500), **dated)
    # A refund of 2020 that is told now is effective in the first moment of 2021 and keeps its own time.
    late = refund(1, amount_minor=4_000, occurred_at=NEW_YEAR - timedelta(days=1))
    assert await consume(ledger, late, late) == [None, None]
    assert await consume(ledger, capture(1, occurred_at=NEW_YEAR - timedelta(days=2))) == [None]
    assert await trial_balance(call, NEW_YEAR) == closed
    sql = "SELECT effective_at, occurred_at FROM transaction WHERE transaction_type = 'RefundSuccess'"
    assert await rows(ledger, sql) == [(NEW_YEAR + timedelta(microseconds=1), NEW_YEAR - timedelta(days=1))]
    with pytest.raises(PeriodClosed):
        await close(call, "ann", NEW_YEAR - timedelta(days=31))
    listed = await call.ListPeriods(pb.ListPeriodsRequest(), ANY)
    assert [(each.proposer, each.closer) for each in listed.periods] == [("ann", "bob")]
    await ledger.read(verify)


async def test_a_period_is_closed_behind_bookings_in_progress_and_not_beside_them(
    call: AccountingCalls, ledger: Runtime
) -> None:
    await close(call, "ann")
    booking, closing = asyncio.Event(), asyncio.Event()

    async def book_slowly(tx: Any) -> None:
        await store.open_books(tx)
        booking.set()
        await closing.wait()

    slow = asyncio.create_task(ledger.transaction(book_slowly))
    await booking.wait()
    closes = asyncio.create_task(close(call, "bob"))
    await asyncio.sleep(0.2)
    assert not closes.done()
    closing.set()
    await slow
    assert (await closes).state == pb.PERIOD_STATE_CLOSED


async def test_the_database_itself_dates_nothing_into_what_is_closed(
    call: AccountingCalls, ledger: Runtime, admin_url: str
) -> None:
    await consume(ledger, capture(1, occurred_at=NOON))
    await close(call, "ann", NOON)
    await close(call, "bob", NOON)
    connection = await asyncpg.connect(admin_url)
    try:
        with pytest.raises(asyncpg.SerializationError, match="is closed"):
            await connection.execute(
                "SET search_path = accounting; INSERT INTO journal SELECT (jsonb_populate_record("
                "journal, jsonb_build_object('transaction_id', gen_random_uuid()))).* FROM journal"
            )
    finally:
        await connection.close()
