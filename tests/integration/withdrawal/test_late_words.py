"""What the bank says after a payout has ended: believed, booked, counted, and decided by two people."""

import uuid
from typing import Any

import pytest
from prometheus_client import REGISTRY

from paykit.base.four_eyes import SamePerson
from paykit.contradictions.contradiction import ResolutionNotPossible
from paykit.errors import IllegalTransition
from paykit.testing.runtimes import act_as
from paystream.common.v1 import contradiction_pb2 as common_pb
from paystream.common.v1.money_pb2 import Money
from paystream.withdrawal.v1 import withdrawal_pb2 as pb
from services.withdrawal import handlers, jobs
from services.withdrawal.domain.allowance import WithdrawalExceedsWithdrawable
from tests.integration.withdrawal.conftest import ANY, Treasury, by_amount, payment_contradicted, payment_resolved

COMPLETED, FAILED, RETURNED = pb.BANK_OUTCOME_COMPLETED, pb.BANK_OUTCOME_FAILED, pb.BANK_OUTCOME_RETURNED
AMOUNT = 20_000
SETTLED = 100_000


@pytest.fixture(autouse=True)
async def settled(treasury: Treasury) -> None:
    await treasury.settle(SETTLED)


def usd(amount_minor: int) -> Money:
    return Money(amount_minor=amount_minor, currency_code="USD")


async def failed(treasury: Treasury, amount_minor: int = AMOUNT) -> str:
    treasury.bank.fate = by_amount({amount_minor: "decline"})
    return (await treasury.paid(amount_minor)).withdrawal_id


async def listed(treasury: Treasury, **wanted: Any) -> list[common_pb.Contradiction]:
    reply = await treasury.call.ListContradictions(pb.ListContradictionsRequest(**wanted), ANY)
    return list(reply.contradictions)[::-1]


async def decide(treasury: Treasury, contradiction_id: str, *, proposer: str = "clerk", decider: str = "chief") -> None:
    act_as(proposer)
    await treasury.call.ProposeResolution(
        pb.ProposeResolutionRequest(
            request_id=str(uuid.uuid4()),
            contradiction_id=contradiction_id,
            resolution=common_pb.CONTRADICTION_RESOLUTION_NONE,
            reason="the bank confirmed it by telephone",
        ),
        ANY,
    )
    act_as(decider)
    request = pb.ApproveResolutionRequest(request_id=str(uuid.uuid4()), contradiction_id=contradiction_id)
    await treasury.call.ApproveResolution(request, ANY)
    act_as("shop")


async def of_funds(treasury: Treasury) -> int:
    """What the allowance says is withdrawn, which is what the withdrawals take."""
    sql = "SELECT (SELECT sum(withdrawn_minor) FROM allowance), (SELECT sum(taken_minor) FROM withdrawal)"
    [row] = await treasury.runtime.read(lambda tx: tx.fetch(sql))
    assert row[0] == row[1]
    return int(row[0])


async def test_a_payout_that_failed_and_was_paid_after_all_counts_as_out_at_once(treasury: Treasury) -> None:
    await treasury.settle(500_000)  # 600,000 in all.
    withdrawal_id = await failed(treasury, 509_009)
    assert await treasury.withdrawable() == 600_000

    for _ in range(2):
        told = await treasury.report(withdrawal_id, COMPLETED, "ch_surprise")

    assert (told.state, told.contradicted) == (pb.ATTEMPT_STATE_SUCCEEDED, True)
    assert await treasury.withdrawable() == 90_991
    with pytest.raises(WithdrawalExceedsWithdrawable):
        await treasury.create(600_000)
    paid = await treasury.get(withdrawal_id)
    assert (paid.state, paid.contradicted, paid.failure_reason) == (pb.WITHDRAWAL_STATE_COMPLETED, True, "")
    assert (paid.channel_reference, paid.taken_minor) == ("ch_surprise", 509_009)
    types = await treasury.told_types(withdrawal_id)
    assert types == ["Created", "Approved", "Submitted", "Failed", "PaidLate", "Contradicted"]
    late, contradicted = (await treasury.told(withdrawal_id))[4:]
    assert (late.previous_state, late.amount_minor, late.channel_reference) == ("FAILED", 509_009, "ch_surprise")
    assert (
        contradicted.kind,
        contradicted.recorded_state,
        contradicted.reported_outcome,
        contradicted.needs_decision,
    ) == (
        "LATE_SUCCESS",
        "FAILED",
        "SUCCEEDED",
        True,
    )
    assert (await treasury.balance()).daily_left_minor == 100_000_000 - 509_009
    assert await of_funds(treasury) == 509_009


async def test_payouts_of_merchant_and_currency_wait_until_two_people_have_decided(treasury: Treasury) -> None:
    await treasury.report(await failed(treasury), COMPLETED, "ch_surprise")
    waiting = await treasury.held(1_000)
    await treasury.submit()
    blocked = await treasury.get(waiting.withdrawal_id)
    [contradiction] = await listed(treasury, state=common_pb.CONTRADICTION_STATE_OPEN)

    with pytest.raises(SamePerson):
        await decide(treasury, contradiction.contradiction_id, proposer="clerk", decider=" CLERK ")
    await treasury.submit()
    assert await treasury.state(waiting.withdrawal_id) == "APPROVED"
    act_as("chief")
    request = pb.ApproveResolutionRequest(request_id=str(uuid.uuid4()), contradiction_id=contradiction.contradiction_id)
    await treasury.call.ApproveResolution(request, ANY)
    await treasury.submit()

    assert (blocked.state, blocked.blocked_reason) == (
        pb.WITHDRAWAL_STATE_APPROVED,
        pb.BLOCKED_REASON_CONTRADICTION_OPEN,
    )
    assert await treasury.state(waiting.withdrawal_id) == "COMPLETED"
    resolved = (await treasury.told(contradiction.aggregate_id))[-1]
    assert (resolved.resolution, resolved.proposer, resolved.actor) == ("NONE", "clerk", "chief")
    [over] = await listed(treasury)
    assert (over.state, over.decider) == (common_pb.CONTRADICTION_STATE_RESOLVED, "chief")


async def test_nothing_but_looking_at_it_can_be_proposed_and_a_rejected_proposal_leaves_it_open(
    treasury: Treasury,
) -> None:
    await treasury.report(await failed(treasury), COMPLETED)
    [found] = await listed(treasury)
    act_as("clerk")
    proposal = {"contradiction_id": found.contradiction_id, "reason": "so it is"}

    with pytest.raises(ResolutionNotPossible):
        await treasury.call.ProposeResolution(
            pb.ProposeResolutionRequest(
                request_id=str(uuid.uuid4()), resolution=common_pb.CONTRADICTION_RESOLUTION_WRITE_OFF, **proposal
            ),
            ANY,
        )
    await treasury.call.ProposeResolution(
        pb.ProposeResolutionRequest(
            request_id=str(uuid.uuid4()), resolution=common_pb.CONTRADICTION_RESOLUTION_NONE, **proposal
        ),
        ANY,
    )
    act_as("chief")
    rejection = pb.RejectResolutionRequest(
        request_id=str(uuid.uuid4()), contradiction_id=found.contradiction_id, reason="ask the bank first"
    )
    await treasury.call.RejectResolution(rejection, ANY)

    read = pb.GetContradictionRequest(contradiction_id=found.contradiction_id)
    after = (await treasury.call.GetContradiction(read, ANY)).contradiction
    assert (after.state, after.proposer) == (common_pb.CONTRADICTION_STATE_OPEN, "")
    assert (after.stated_reason.reason, after.stated_reason.caller) == ("ask the bank first", "chief")
    with pytest.raises(IllegalTransition):
        await treasury.call.ApproveResolution(
            pb.ApproveResolutionRequest(request_id=str(uuid.uuid4()), contradiction_id=found.contradiction_id), ANY
        )


@pytest.mark.parametrize(("back_minor", "fee_minor"), [(None, 0), (20_000, 0), (18_500, 1_500)])
async def test_a_payout_that_came_back_whole_or_short_can_be_withdrawn_again_as_far_as_it_came_back(
    treasury: Treasury, back_minor: int | None, fee_minor: int
) -> None:
    paid = await treasury.paid(AMOUNT)
    amount: dict[str, Any] = {} if back_minor is None else {"amount": usd(back_minor)}

    for _ in range(2):
        await treasury.report(paid.withdrawal_id, RETURNED, code="account_closed", **amount)
    await treasury.report(paid.withdrawal_id, COMPLETED)

    returned = await treasury.get(paid.withdrawal_id)
    assert (returned.state, returned.return_code) == (pb.WITHDRAWAL_STATE_RETURNED, "account_closed")
    assert (returned.returned_minor, returned.taken_minor) == (AMOUNT - fee_minor, fee_minor)
    assert (returned.contradicted, await listed(treasury)) == (False, [])
    assert await treasury.withdrawable() == SETTLED - fee_minor
    types = await treasury.told_types(paid.withdrawal_id)
    assert types == ["Created", "Approved", "Submitted", "Completed", "Returned"]
    event = (await treasury.told(paid.withdrawal_id))[4]
    assert (event.amount_minor, event.bank_fee_minor, event.return_code) == (AMOUNT, fee_minor, "account_closed")
    assert (await treasury.balance()).daily_left_minor == 100_000_000 - AMOUNT  # It did go out today.
    assert await of_funds(treasury) == fee_minor


async def test_a_payout_that_bounced_is_there_again_and_blocks_nothing(treasury: Treasury) -> None:
    paid = await treasury.paid(AMOUNT)

    for _ in range(2):
        await treasury.report(paid.withdrawal_id, FAILED, code="account_closed")
    await treasury.report(paid.withdrawal_id, COMPLETED)  # Told late: it is old.

    after = await treasury.get(paid.withdrawal_id)
    assert (after.state, after.failure_reason, after.failure_code) == (
        pb.WITHDRAWAL_STATE_FAILED,
        "BOUNCED",
        "account_closed",
    )
    types = await treasury.told_types(paid.withdrawal_id)
    assert types == ["Created", "Approved", "Submitted", "Completed", "Bounced", "Contradicted"]
    [found] = await listed(treasury)
    assert (found.kind, found.state) == (
        common_pb.CONTRADICTION_KIND_LATE_FAILURE,
        common_pb.CONTRADICTION_STATE_AUTOMATIC,
    )
    assert await treasury.withdrawable() == SETTLED
    assert (await treasury.paid(500)).state == pb.WITHDRAWAL_STATE_COMPLETED


async def test_a_payout_paid_under_two_references_counts_twice(treasury: Treasury) -> None:
    paid = await treasury.paid(AMOUNT)

    for _ in range(2):
        await treasury.report(paid.withdrawal_id, COMPLETED, "ch_again")

    assert await treasury.withdrawable() == SETTLED - 2 * AMOUNT
    [found] = await listed(treasury)
    assert (found.kind, found.state, found.channel_reference) == (
        common_pb.CONTRADICTION_KIND_SECOND_REFERENCE,
        common_pb.CONTRADICTION_STATE_OPEN,
        "ch_again",
    )
    types = await treasury.told_types(paid.withdrawal_id)
    assert types[4:] == ["PaidLate", "Contradicted"]

    # The second is undone: what it took comes back, and nobody has to decide any more.
    await treasury.report(paid.withdrawal_id, FAILED, "ch_again")

    assert await treasury.withdrawable() == SETTLED - AMOUNT
    assert await treasury.state(paid.withdrawal_id) == "COMPLETED"
    types = await treasury.told_types(paid.withdrawal_id)
    assert types[6:] == ["Bounced", "Contradicted", "ContradictionResolved"]
    assert (await treasury.told(paid.withdrawal_id))[-1].resolution == "EVIDENCE"
    assert await listed(treasury, state=common_pb.CONTRADICTION_STATE_OPEN) == []
    assert await of_funds(treasury) == AMOUNT


async def test_a_payout_that_came_back_and_was_paid_again_is_out(treasury: Treasury) -> None:
    paid = await treasury.paid(AMOUNT)
    await treasury.report(paid.withdrawal_id, RETURNED, amount=usd(18_500))

    await treasury.report(paid.withdrawal_id, COMPLETED, "ch_again")
    await treasury.report(paid.withdrawal_id, RETURNED, amount=usd(18_500))  # Told late: it is of the first.

    after = await treasury.get(paid.withdrawal_id)
    assert (after.state, after.taken_minor) == (pb.WITHDRAWAL_STATE_COMPLETED, 1_500 + AMOUNT)
    assert await treasury.withdrawable() == SETTLED - 1_500 - AMOUNT
    assert (await treasury.told_types(paid.withdrawal_id))[4:] == ["Returned", "PaidLate", "Contradicted"]


@pytest.mark.parametrize(("back_minor", "open_"), [(20_000, 0), (18_500, 1)])
async def test_a_failed_payout_said_to_have_come_back_went_out_and_back(
    treasury: Treasury, back_minor: int, open_: int
) -> None:
    withdrawal_id = await failed(treasury)

    for _ in range(2):
        await treasury.report(withdrawal_id, RETURNED, "ch_surprise", amount=usd(back_minor))

    assert await treasury.state(withdrawal_id) == "RETURNED"
    assert (await treasury.told_types(withdrawal_id))[4:] == ["PaidLate", "Returned", "Contradicted"]
    assert await treasury.withdrawable() == SETTLED - (AMOUNT - back_minor)
    assert len(await listed(treasury, state=common_pb.CONTRADICTION_STATE_OPEN)) == open_


@pytest.mark.parametrize(("paid_minor", "out_minor"), [(19_000, 20_000), (21_000, 21_000)])
async def test_another_amount_is_kept_counted_where_more_is_out_and_left_to_people(
    treasury: Treasury, paid_minor: int, out_minor: int
) -> None:
    treasury.bank.fate = by_amount({AMOUNT: "pending"})
    unknown = await treasury.paid(AMOUNT)

    for _ in range(2):
        await treasury.report(unknown.withdrawal_id, COMPLETED, amount=usd(paid_minor))

    [found] = await listed(treasury)
    assert (found.kind, found.needs_decision, found.amount.amount_minor) == (
        common_pb.CONTRADICTION_KIND_OTHER_AMOUNT,
        True,
        paid_minor,
    )
    assert await treasury.state(unknown.withdrawal_id) == "COMPLETED"
    event = (await treasury.told(unknown.withdrawal_id))[-1]
    assert (event.expected_minor, event.reported_minor) == (AMOUNT, paid_minor)
    assert await treasury.withdrawable() == SETTLED - out_minor


async def test_a_return_of_another_amount_later_is_listed_once(treasury: Treasury) -> None:
    paid = await treasury.paid(AMOUNT)
    await treasury.report(paid.withdrawal_id, RETURNED, amount=usd(18_500))

    for _ in range(3):
        await treasury.report(paid.withdrawal_id, RETURNED, amount=usd(19_000))

    [found] = await listed(treasury)
    assert (found.kind, found.amount.amount_minor, found.needs_decision) == (
        common_pb.CONTRADICTION_KIND_OTHER_AMOUNT,
        19_000,
        True,
    )
    assert await treasury.withdrawable() == SETTLED - 1_500


async def test_what_was_called_off_and_paid_all_the_same_is_out(treasury: Treasury) -> None:
    made = await treasury.held(AMOUNT)
    await treasury.cancel(made.withdrawal_id)

    await treasury.report(made.withdrawal_id, COMPLETED, "ch_surprise")

    assert await treasury.state(made.withdrawal_id) == "COMPLETED"
    assert (await treasury.told(made.withdrawal_id))[3].previous_state == "CANCELLED"
    assert await treasury.withdrawable() == SETTLED - AMOUNT


async def test_what_the_bank_says_back_and_forth_is_booked_once_each_way(treasury: Treasury) -> None:
    withdrawal_id = await failed(treasury)

    await treasury.report(withdrawal_id, COMPLETED, "ch_a")
    await treasury.report(withdrawal_id, FAILED, "ch_a", code="bounced")
    await treasury.report(withdrawal_id, COMPLETED, "ch_b")

    # The ledger has booked a late payout of it, and taken it back: the third is counted, and left to people.
    assert (await treasury.told_types(withdrawal_id))[4:] == [
        *("PaidLate", "Contradicted", "Bounced", "Contradicted", "ContradictionResolved", "Contradicted"),
    ]
    assert await treasury.withdrawable() == SETTLED - AMOUNT
    assert len(await listed(treasury, state=common_pb.CONTRADICTION_STATE_OPEN)) == 1
    assert await of_funds(treasury) == AMOUNT


async def test_payouts_wait_for_what_people_are_to_decide_about_payments(treasury: Treasury) -> None:
    made = await treasury.held(1_000)
    contradicted = payment_contradicted(treasury.merchant_id, "ctr_1", needs_decision=True)
    await treasury.deliver(handlers.on_contradiction, "pay_1", contradicted, contradicted)
    automatic = payment_contradicted(treasury.merchant_id, "ctr_2", needs_decision=False)
    await treasury.deliver(handlers.on_contradiction, "pay_2", automatic)
    elsewhere = payment_contradicted(treasury.merchant_id, "ctr_3", needs_decision=True, currency_code="JPY")
    await treasury.deliver(handlers.on_contradiction, "pay_3", elsewhere)

    await treasury.submit()
    assert (await treasury.get(made.withdrawal_id)).blocked_reason == pb.BLOCKED_REASON_CONTRADICTION_OPEN
    await treasury.deliver(handlers.on_contradiction_resolved, "pay_1", payment_resolved(treasury.merchant_id, "ctr_1"))
    await treasury.deliver(handlers.on_contradiction, "pay_1", contradicted)  # Told again: it stays over.
    await treasury.submit()

    assert await treasury.state(made.withdrawal_id) == "COMPLETED"


async def test_contradictions_that_wait_are_counted(treasury: Treasury) -> None:
    await treasury.report(await failed(treasury), COMPLETED)

    assert await jobs.report_contradictions(treasury.runtime) is False

    labels = {"service": "withdrawal", "kind": "LATE_SUCCESS"}
    assert REGISTRY.get_sample_value("paystream_contradictions_open", labels) == 1
