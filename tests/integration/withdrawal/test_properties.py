"""For any items: a batch equals its items one at a time, in rows, in events and in what callers get."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paykit.cause import Cause
from paykit.channels.attempts import Evidence, EvidenceOutcome, RecordEvidence, Source
from paykit.consume.delivery import Delivered, Handler, Impossible, Record
from paykit.contradictions.contradiction import ContradictionResolution
from paykit.contradictions.deciding import DecideResolution, ProposeResolution
from paykit.errors import DomainError
from paykit.ids import named_id
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from paykit.testing import batches
from paykit.testing.batches import Step
from paystream.merchant.v1.events import MerchantStatus
from services.withdrawal import handlers
from services.withdrawal.commands import bank_account as bank_account_commands
from services.withdrawal.commands import contradiction as contradiction_commands
from services.withdrawal.commands import evidence
from services.withdrawal.commands import withdrawal as commands
from services.withdrawal.commands.bank_account import ChangeBankAccount, CreateBankAccount
from services.withdrawal.commands.withdrawal import Cancel, CreateWithdrawal, Decide
from services.withdrawal.domain.bank_account import BankAccountAction
from services.withdrawal.domain.withdrawal_state import WithdrawalAction
from tests.integration.payment.conftest import merchant_event
from tests.integration.payment.statement_evidence import accepted
from tests.integration.withdrawal.conftest import Treasury, payment_contradicted, payment_resolved

ON_ONE_TREASURY = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

ALICE, BOB, CAROL = ("mer_" + digit * 32 for digit in "abc")
CAUSE = Cause("cor_property", None, "shop", None)
OF_CHANCE = (
    "withdrawal_id",
    "bank_account_id",
    "attempt_id",
    "evidence_id",
    "event_id",
    "causation_id",
    "age_s",
    "lease_end",
    *("contradiction_id", "aggregate_id", "subject_id"),
)
# Withdrawals are told apart by their amounts: these are there before a step is taken, in this state.
CREATED, HELD, APPROVED, STARTED, UNKNOWN, COMPLETED, FAILED = 1_001, 2_002, 1_003, 1_004, 1_005, 1_006, 1_007
HELD_TOO, STARTED_TOO, FAILED_LATE, PROPOSED = 2_008, 1_009, 310, 311
SENT = (STARTED, STARTED_TOO, UNKNOWN, COMPLETED, FAILED, FAILED_LATE, PROPOSED)
AS_PREPARED = {HELD: 0, HELD_TOO: 0}
THERE = (CREATED, HELD, HELD_TOO, APPROVED, STARTED, STARTED_TOO, UNKNOWN, COMPLETED, FAILED, FAILED_LATE, PROPOSED)


def prepared_for(treasury: Treasury) -> Any:
    """Alice and Bob have 20.00 USD and a verified account; Carol is suspended; Alice's withdrawals are on their way."""

    async def prepare(tx: Tx) -> None:
        for who, status in ((ALICE, "ACTIVE"), (BOB, "ACTIVE"), (CAROL, "SUSPENDED")):
            await change_merchants(tx, [(who, 2, MerchantStatus(status))])
        await credit(treasury)(tx, [(ALICE, 0, 14_000), (BOB, 1, 2_000)])
        await bank_account_commands.create_bank_accounts(
            tx, [account_asked(ALICE, "tok_1"), account_asked(BOB, "tok_1")]
        )
        await change_accounts(tx, [(0, BankAccountAction.VERIFY), (1, BankAccountAction.VERIFY)])
        await create(tx, [(ALICE, 0, amount) for amount in THERE], approval_limits=AS_PREPARED)
        tx.restart_lock_order()  # As if it were a transaction of its own.
        await hold(treasury)(tx, [(amount, "hold") for amount in THERE if amount != CREATED])
        started = "UPDATE attempt SET state = 'STARTED', start_time = now() WHERE amount_minor = ANY($1)"
        await tx.run(started, list(SENT))
        sent = "UPDATE withdrawal SET state = 'SUBMITTED', aggregate_version = 3 WHERE amount_minor = ANY($1)"
        await tx.run(sent, list(SENT))
        answers = ((UNKNOWN, "NO_ANSWER"), (COMPLETED, "SUCCEEDED"), (FAILED, "FAILED"))
        late = ((FAILED_LATE, "FAILED"), (PROPOSED, "FAILED"))
        await record(tx, [(amount, outcome, "RESPONSE", "ch_0") for amount, outcome in (*answers, *late)])
        tx.restart_lock_order()
        await record(tx, [(amount, "SUCCEEDED", "CALLBACK", "ch_1") for amount, _ in late])
        tx.restart_lock_order()
        await propose(tx, [(PROPOSED, "NONE", "clerk")])

    return prepare


async def create(
    tx: Tx, drafts: Sequence[Any], *, approval_limits: Mapping[int, int] = MappingProxyType({})
) -> Sequence[Any]:
    ids = await account_ids(tx)
    items = [
        CreateWithdrawal(
            merchant_id=who,
            bank_account_id=ids[number] if number < len(ids) else "bnk_none",
            amount_minor=amount_minor,
            currency_code="USD",
            requester="shop",
            approval_limit_minor=approval_limits.get(amount_minor, 13_000),
            daily_limit_minor=12_500,
            cause=CAUSE,
        )
        for who, number, amount_minor in drafts
    ]
    return await commands.create_withdrawals(tx, items)


async def decide(tx: Tx, drafts: Sequence[Any]) -> Sequence[Any]:
    ids = await known_ids(tx, "withdrawal_id")
    items = [
        Decide(
            withdrawal_id=ids.get(amount, "wdr_none"),
            action=WithdrawalAction(action),
            decider=who,
            reason="not agreed",
            cause=CAUSE,
        )
        for amount, action, who in drafts
    ]
    return await commands.decide_withdrawals(tx, items)


async def cancel(tx: Tx, drafts: Sequence[Any]) -> Sequence[Any]:
    ids = await known_ids(tx, "withdrawal_id")
    items = [
        Cancel(withdrawal_id=ids.get(amount, "wdr_none"), reason="wrong account", cause=CAUSE) for amount in drafts
    ]
    return await commands.cancel_withdrawals(tx, items)


async def record(tx: Tx, drafts: Sequence[Any]) -> Sequence[Any]:
    ids = await known_ids(tx, "attempt_id")
    items = [
        Evidence(
            attempt_id=ids.get(amount, "att_none"),
            source=Source(source),
            outcome=EvidenceOutcome(outcome),
            channel_reference=reference,
            failure_code="closed" if outcome in {"FAILED", "RETURNED"} else None,
            amount_minor=(said or (None,))[0],
            currency_code="USD" if said and said[0] else None,
            final=outcome == "NOT_FOUND" and source == "CALLBACK",
        )
        for amount, outcome, source, reference, *said in drafts
    ]
    return await evidence.record_evidence(tx, [RecordEvidence(evidence=each, cause=CAUSE) for each in items])


async def change_accounts(tx: Tx, drafts: Sequence[Any]) -> Sequence[Any]:
    ids = await account_ids(tx)
    items = [
        ChangeBankAccount(
            bank_account_id=ids[number] if number < len(ids) else "bnk_none",
            action=action,
            reason="closed",
            cause=CAUSE,
        )
        for number, action in drafts
    ]
    return await bank_account_commands.change_bank_accounts(tx, items)


async def propose(tx: Tx, drafts: Sequence[Any]) -> Sequence[Any]:
    ids = await contradiction_ids(tx)
    items = [
        ProposeResolution(
            contradiction_id=ids.get(amount, "ctr_none"),
            resolution=ContradictionResolution(resolution),
            reason="so it is",
            proposer=who,
            cause=CAUSE,
        )
        for amount, resolution, who in drafts
    ]
    return await contradiction_commands.propose_resolutions(tx, items)


async def decide_contradictions(tx: Tx, drafts: Sequence[Any]) -> Sequence[Any]:
    """What nobody has proposed yet, clerk has proposed before."""
    ids = await contradiction_ids(tx)
    items = [
        DecideResolution(
            contradiction_id=ids.get(amount, "ctr_none"),
            approved=approved,
            decider=who,
            reason="not agreed",
            cause=CAUSE,
        )
        for amount, approved, who in drafts
    ]
    return await contradiction_commands.decide_resolutions(tx, items)


async def contradiction_ids(tx: Tx) -> dict[int, str]:
    """The contradictions that there are, by the amount of their withdrawal; the last of several."""
    sql = (
        "SELECT w.amount_minor, contradiction_id FROM contradiction c JOIN withdrawal w ON aggregate_id = withdrawal_id"
        " ORDER BY c.create_time, contradiction_id"
    )
    return {row[0]: row[1] for row in await tx.fetch(sql)}


async def contradict(tx: Tx, drafts: Sequence[Any]) -> Sequence[Any]:
    events = [payment_contradicted(who, f"ctr_{number}", needs_decision=needs) for who, number, needs in drafts]
    return await deliver(tx, handlers.on_contradiction, events, key="payment_id")


async def settle_contradiction(tx: Tx, drafts: Sequence[Any]) -> Sequence[Any]:
    events = [payment_resolved(who, f"ctr_{number}") for who, number in drafts]
    return await deliver(tx, handlers.on_contradiction_resolved, events, key="payment_id")


def account_asked(merchant_id: str, token: str, currency_code: str = "USD") -> CreateBankAccount:
    return CreateBankAccount(
        merchant_id=merchant_id, currency_code=currency_code, token=token, last_four="4321", cause=CAUSE
    )


def hold(treasury: Treasury) -> Step:
    async def step(tx: Tx, drafts: Sequence[Any]) -> Sequence[Any]:
        ids = await known_ids(tx, "withdrawal_id")
        events = [
            treasury.booked(ids.get(amount, "wdr_none"), amount)
            if what == "hold"
            else settlement_effect(treasury, amount, what)
            if what in {"PaymentSuccess", "RefundSuccess"}
            else treasury.booked(f"jrn_{amount}", amount, kind=what, effect=-1)
            for amount, what in drafts
        ]
        return await deliver(tx, handlers.on_transaction_created, events, key="related_no")

    return step


def settlement_effect(treasury: Treasury, amount: int, what: str) -> Any:
    entry = treasury.entry("merchant.settlement", 1 if what == "PaymentSuccess" else -1, 500, "USD")
    return treasury.booked(f"pay_{amount}", 500, kind=what, entries=(entry,))


def refuse(treasury: Treasury) -> Step:
    async def step(tx: Tx, drafts: Sequence[Any]) -> Sequence[Any]:
        ids = await known_ids(tx, "withdrawal_id")
        events = [treasury.refused(ids.get(amount, "wdr_none"), reason) for amount, reason in drafts]
        return await deliver(tx, handlers.on_transaction_rejected, events, key="related_no")

    return step


def credit(treasury: Treasury) -> Step:
    async def step(tx: Tx, drafts: Sequence[Any]) -> Sequence[Any]:
        events = [
            treasury.settled(amount, merchant_id=who, settlement_id=named_id("stl", "test", str(number)))
            for who, number, amount in drafts
        ]
        return await deliver(tx, handlers.on_settlement_completed, events, key="settlement_id")

    return step


async def change_merchants(tx: Tx, drafts: Sequence[Any]) -> Sequence[Any]:
    events = [
        merchant_event(merchant_id=who, aggregate_version=version, status=status) for who, version, status in drafts
    ]
    return await deliver(tx, handlers.on_merchant_changed, events, key="merchant_id")


async def take_lines(tx: Tx, drafts: Sequence[Any]) -> Sequence[Any]:
    ids = await known_ids(tx, "attempt_id")
    lines = [
        accepted(ids.get(amount, "att_none"), operation, outcome, channel_reference=reference, amount_minor=amount)
        for amount, operation, outcome, reference in drafts
    ]
    return await deliver(tx, handlers.on_statement_evidence, lines, key="attempt_id")


async def deliver(tx: Tx, handler: Handler, events: Sequence[Any], *, key: str) -> Sequence[Any]:
    deliveries = [Delivered(event, Record(event.TOPIC, 0, 0, getattr(event, key), b"", ())) for event in events]
    return await handler(tx, deliveries)


async def known_ids(tx: Tx, column: str) -> dict[int, str]:
    """Withdrawals, or their attempts, by amount."""
    sql = f"SELECT w.amount_minor, {column} FROM withdrawal w LEFT JOIN attempt a USING (withdrawal_id)"
    return {row[0]: row[1] for row in await tx.fetch(sql)}


async def account_ids(tx: Tx) -> list[str]:
    """Alice's first, then Bob's."""
    sql = "SELECT bank_account_id FROM bank_account WHERE merchant_id = ANY($1) ORDER BY merchant_id, token"
    return [row[0] for row in await tx.fetch(sql, [ALICE, BOB])]


def steps(treasury: Treasury) -> dict[str, Step]:
    return {
        "create_withdrawals": create,
        "decide_withdrawals": decide,
        "cancel_withdrawals": cancel,
        "record_evidence": record,
        "propose_resolutions": propose,
        "decide_resolutions": decide_contradictions,
        "on_contradiction": contradict,
        "on_contradiction_resolved": settle_contradiction,
        "create_bank_accounts": bank_account_commands.create_bank_accounts,
        "change_bank_accounts": change_accounts,
        "on_transaction_created": hold(treasury),
        "on_transaction_rejected": refuse(treasury),
        "on_settlement_completed": credit(treasury),
        "on_merchant_changed": change_merchants,
        "on_statement_evidence": take_lines,
    }


# Few values, so that repetitions, refusals and shared withdrawals are common.
any_withdrawal = st.sampled_from([*THERE, 42])
STEPS: dict[str, st.SearchStrategy[Any]] = {
    "create_withdrawals": st.tuples(
        st.sampled_from([ALICE, ALICE, BOB, BOB, CAROL, "mer_" + "d" * 32]),
        st.sampled_from([0, 0, 1, 1, 2]),
        st.sampled_from([1, 500, 900, 2_000]),
    ),
    "decide_withdrawals": st.tuples(
        st.sampled_from([HELD, HELD, HELD_TOO, CREATED, APPROVED, COMPLETED, 42]),
        st.sampled_from(["APPROVE", "REJECT"]),
        st.sampled_from(["boss", "boss", "shop", None]),
    ),
    "cancel_withdrawals": st.sampled_from([HELD, HELD_TOO, APPROVED, APPROVED, CREATED, STARTED, FAILED, 42]),
    "record_evidence": st.tuples(
        st.sampled_from([STARTED, STARTED, STARTED_TOO, UNKNOWN, COMPLETED, FAILED, FAILED_LATE, APPROVED, 42]),
        st.sampled_from(list(EvidenceOutcome)),
        st.sampled_from(list(Source)),
        st.sampled_from(["ch_0", "ch_0", "ch_1"]),
        st.sampled_from([None, None, 900, 1_500]),
    ),
    "propose_resolutions": st.tuples(
        st.sampled_from([FAILED_LATE, FAILED_LATE, PROPOSED, 42]),
        st.sampled_from(["NONE", "NONE", "WRITE_OFF"]),
        st.sampled_from(["clerk", None]),
    ),
    "decide_resolutions": st.tuples(
        st.sampled_from([PROPOSED, PROPOSED, FAILED_LATE, 42]),
        st.booleans(),
        st.sampled_from(["chief", "chief", " Clerk", None]),
    ),
    "on_contradiction": st.tuples(st.sampled_from([ALICE, BOB]), st.integers(0, 2), st.booleans()),
    "on_contradiction_resolved": st.tuples(st.sampled_from([ALICE, BOB]), st.integers(0, 2)),
    "create_bank_accounts": st.builds(
        account_asked,
        st.sampled_from([ALICE, ALICE, BOB, CAROL, "mer_" + "d" * 32]),
        st.sampled_from(["tok_1", "tok_2"]),
        st.sampled_from(["USD", "USD", "JPY", "XXQ"]),
    ),
    "change_bank_accounts": st.tuples(st.integers(0, 2), st.sampled_from(list(BankAccountAction))),
    "on_transaction_created": st.tuples(
        any_withdrawal, st.sampled_from(["hold", "hold", "Adjustment", "PaymentSuccess", "RefundSuccess"])
    ),
    "on_transaction_rejected": st.tuples(any_withdrawal, st.sampled_from(["INSUFFICIENT_FUNDS", "ACCOUNT_CLOSED"])),
    "on_settlement_completed": st.tuples(st.sampled_from([ALICE, BOB]), st.integers(0, 3), st.sampled_from([0, 5, 70])),
    "on_statement_evidence": st.tuples(
        st.sampled_from([STARTED, STARTED, UNKNOWN, COMPLETED, FAILED, APPROVED, 42]),
        st.sampled_from(["PAY", "PAY", "CAPTURE"]),
        st.sampled_from(["SUCCEEDED", "SUCCEEDED", "FAILED", "RETURNED", "UNKNOWN"]),
        st.sampled_from(["ch_0", "ch_0", "ch_1"]),
    ),
    "on_merchant_changed": st.tuples(
        st.sampled_from([ALICE, BOB]), st.integers(1, 4), st.sampled_from(list(MerchantStatus))
    ),
}


@pytest.mark.parametrize("name", STEPS)
@ON_ONE_TREASURY
@given(data=st.data())
async def test_a_batch_equals_its_items_one_at_a_time(treasury: Treasury, name: str, data: st.DataObject) -> None:
    drafts = data.draw(st.lists(STEPS[name], min_size=2, max_size=10))
    await assert_batch_equals_singles(treasury, steps(treasury)[name], drafts)


async def test_what_is_prepared_is_in_many_states(treasury: Treasury) -> None:
    async def look(tx: Tx) -> dict[int, str]:
        await prepared_for(treasury)(tx)
        return {row[0]: row[1] for row in await tx.fetch("SELECT amount_minor, state FROM withdrawal")}

    assert await batches.undone(treasury.runtime, look) == {
        CREATED: "CREATED",
        HELD: "HELD",
        HELD_TOO: "HELD",
        APPROVED: "APPROVED",
        STARTED: "SUBMITTED",
        STARTED_TOO: "SUBMITTED",
        UNKNOWN: "UNKNOWN",
        COMPLETED: "COMPLETED",
        FAILED: "FAILED",
        FAILED_LATE: "COMPLETED",
        PROPOSED: "COMPLETED",
    }


async def test_the_property_would_notice_a_difference(treasury: Treasury) -> None:
    async def forgetful(tx: Tx, items: Sequence[Any]) -> Sequence[Any]:
        return [*await record(tx, items[:1]), *[None] * (len(items) - 1)]

    answers = [(STARTED, "SUCCEEDED", "RESPONSE", "ch_1"), (STARTED_TOO, "SUCCEEDED", "RESPONSE", "ch_2")]
    with pytest.raises(AssertionError):
        await assert_batch_equals_singles(treasury, forgetful, answers)


async def assert_batch_equals_singles(treasury: Treasury, step: Step, drafts: Sequence[Any]) -> None:
    async def look(tx: Tx, results: Sequence[Any]) -> Any:
        return [outcome(result) for result in results], await rows(tx), await told(treasury.runtime, tx)

    await batches.assert_batch_equals_singles(treasury.runtime, step, drafts, look=look, prepare=prepared_for(treasury))


def outcome(result: Any) -> Any:
    """A result without the ids that chance gave it."""
    refusal = result.error if isinstance(result, Impossible) else result
    if isinstance(refusal, DomainError):
        return refusal.reason, refusal.field, anonymous(refusal.metadata)
    return None if result is None else anonymous(asdict(result))


def anonymous(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in OF_CHANCE}


async def rows(tx: Tx) -> dict[str, list[str]]:
    """Every row without ids of chance and real times, in an order that does not depend on them."""
    queries = {
        "withdrawal": "SELECT * FROM withdrawal",
        "attempt": "SELECT state, channel_reference, failure_reason, failure_code, inquiry_count, contradicted,"
        " amount_minor, update_time FROM attempt",
        "evidence": "SELECT a.amount_minor AS of_minor, e.* FROM evidence e JOIN attempt a USING (attempt_id)",
        "contradiction": "SELECT w.amount_minor AS of_minor, c.* FROM contradiction c"
        " JOIN withdrawal w ON aggregate_id = withdrawal_id",
        "open_contradiction": "SELECT * FROM open_contradiction",
        "unmatched_evidence": "SELECT * FROM unmatched_evidence",
        "allowance": "SELECT * FROM allowance",
        "bank_account": "SELECT * FROM bank_account",
        "credit": "SELECT * FROM credit",
        "credit_total": "SELECT * FROM credit_total",
        "settlement_balance": "SELECT * FROM settlement_balance",
        "merchant": "SELECT * FROM merchant",
    }
    return {table: sorted(repr(anonymous(dict(row))) for row in await tx.fetch(sql)) for table, sql in queries.items()}


async def told(runtime: Runtime, tx: Tx) -> dict[int, list[dict[str, Any]]]:
    """The events of each withdrawal, in order, by its amount, those of bank accounts by 0; each together, sorted."""
    by_id = defaultdict(list)
    for row in tx.emitted:
        event: Any = runtime.codec.decode(row[7])
        by_id[row[1]].append({"record": row[3]} | anonymous(event.as_record()))
    by_amount: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    for events in sorted(by_id.values(), key=repr):
        by_amount[events[0].get("amount_minor", 0)] += events
    return by_amount
