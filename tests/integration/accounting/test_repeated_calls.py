"""Calls to accounting that book something, sent again, also when their replies are long forgotten."""

import itertools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given

from paykit.process.runtime import Runtime
from paykit.serve import idempotency
from paykit.testing.runtimes import act_as
from paystream.accounting.v1 import accounting_pb2 as pb
from tests.integration.accounting.books import consume, rows
from tests.integration.accounting.test_rpc import goodwill
from tests.integration.repeated_calls import FEW_EXAMPLES, STEPS, Repeated, Step, assert_repeats_create_nothing
from tests.line.replies import checked
from tests.line.servicers import AccountingCalls
from tests.unit.accounting.ledger import capture

EXAMPLES = itertools.count(1)


async def journals(ledger: Runtime) -> Repeated:
    example = next(EXAMPLES)
    await consume(ledger, capture(example))

    def request(request_id: str, body: int) -> pb.CreateTransactionRequest:
        return goodwill(request_id=request_id, related_no=f"ticket-{example}-{body}")

    call = checked(AccountingCalls(ledger)).CreateTransaction
    return Repeated(call=call, request=request, created=_transaction_id)


async def proposals(ledger: Runtime) -> Repeated:
    """The same journals, proposed for another person to approve."""
    act_as("ops")
    single = await journals(ledger)

    def request(request_id: str, body: int) -> pb.ProposeJournalRequest:
        asked = single.request(request_id, body)
        content = pb.JournalContent(
            transaction_type=asked.transaction_type,
            related_no=asked.related_no,
            currency_code=asked.currency_code,
            entries=asked.entries,
        )
        return pb.ProposeJournalRequest(request_id=request_id, journal=content, reason="As agreed")

    call = checked(AccountingCalls(ledger)).ProposeJournal
    return Repeated(call=call, request=request, created=lambda reply: reply.proposal.proposal_id)


async def journals_in_batches(ledger: Runtime) -> Repeated:
    """The same call, by batches of one journal three times."""
    single, servicer = await journals(ledger), checked(AccountingCalls(ledger))

    async def call(request: Any, context: Any) -> Any:
        batch = pb.BatchCreateTransactionsRequest(requests=[request] * 3)
        results = (await servicer.BatchCreateTransactions(batch, context)).results
        if results[0].HasField("error"):
            await servicer.CreateTransaction(request, context)  # Raises what is refused.
        assert results[0] == results[1] == results[2]
        return results[0]

    return Repeated(call=call, request=single.request, created=_transaction_id, trailer=False)


async def reversals(ledger: Runtime) -> Repeated:
    """Reversals of two journals, each for one request id; another body gives another reason."""
    act_as("ops")
    single, servicer = await journals(ledger), checked(AccountingCalls(ledger))
    request_ids = [f"00000000-0000-4000-8000-{next(EXAMPLES):012d}" for _ in range(2)]
    booked = [await servicer.CreateTransaction(single.request(id_, body), None) for body, id_ in enumerate(request_ids)]

    def request(request_id: str, body: int) -> pb.ReverseTransactionRequest:
        transaction_id = booked[body % 2].transaction.transaction_id
        reason = "typed again" if body > 1 else "typed wrongly"
        return pb.ReverseTransactionRequest(request_id=request_id, transaction_id=transaction_id, reason=reason)

    call = servicer.ReverseTransaction
    return Repeated(call=call, request=request, created=_transaction_id)


def _transaction_id(reply: Any) -> str:
    return str(reply.transaction.transaction_id)


REPEATED: Mapping[str, Callable[[Runtime], Awaitable[Repeated]]] = {
    "CreateTransaction": journals,
    "BatchCreateTransactions": journals_in_batches,
    "ProposeJournal": proposals,
    "ReverseTransaction": reversals,
}


@FEW_EXAMPLES
@pytest.mark.parametrize("method", REPEATED)
@given(steps=STEPS)
async def test_a_call_sent_again_creates_nothing_however_late(
    ledger: Runtime, method: str, steps: Sequence[Step]
) -> None:
    await assert_repeats_create_nothing(ledger, await REPEATED[method](ledger), steps)


async def test_what_calls_created_is_looked_for_by_its_index_before_anything_is_known_of_the_table(
    ledger: Runtime,
) -> None:
    """Each key was held against each journal once, until autovacuum had told the planner how many there are."""
    statement = idempotency._find_statement("created_transaction", "transaction_id")
    plan = await rows(ledger, f"EXPLAIN (GENERIC_PLAN) {statement}", "{}", "{}", [], [], [])
    ways = ("Seq Scan on journal", "month_idx", "journal_0_request_key")
    assert {way for (line,) in plan for way in ways if way in line} == {"journal_0_request_key"}, plan
