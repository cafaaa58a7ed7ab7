"""What is approved is looked at again when it is sent: stopped means stopped."""

import asyncio
import uuid
from typing import Any

import pytest
from prometheus_client import REGISTRY

from paykit.errors import IllegalTransition
from paykit.merchants.standing import MerchantFrozen
from paykit.testing.runtimes import act_as
from paystream.merchant.v1.events import MerchantStatus
from paystream.withdrawal.v1 import withdrawal_pb2 as pb
from services.withdrawal import jobs, store
from services.withdrawal.service import SERVICE
from tests.conftest import RuntimeOf
from tests.integration.withdrawal.conftest import ANY, Treasury

AMOUNT = 6_000


@pytest.fixture(autouse=True)
async def settled(treasury: Treasury) -> None:
    await treasury.settle(100_000)


async def blocked(treasury: Treasury) -> list[str]:
    request = pb.ListBlockedWithdrawalsRequest()
    return [each.withdrawal_id for each in (await treasury.call.ListBlockedWithdrawals(request, ANY)).withdrawals]


@pytest.mark.parametrize(
    ("stopped", "reason"),
    [
        ({"status": MerchantStatus.SUSPENDED}, pb.BLOCKED_REASON_MERCHANT_SUSPENDED),
        ({"frozen": True}, pb.BLOCKED_REASON_MERCHANT_FROZEN),
        ({"frozen": True, "closing": True, "payout_hold": True}, pb.BLOCKED_REASON_MERCHANT_FROZEN),
        ({"payout_hold": True}, pb.BLOCKED_REASON_PAYOUT_HOLD),
        ({"payout_hold": True, "closing": True}, pb.BLOCKED_REASON_PAYOUT_HOLD),
    ],
)
async def test_a_payout_of_a_merchant_that_is_stopped_waits_and_is_sent_when_it_is_not(
    treasury: Treasury, stopped: dict[str, Any], reason: pb.BlockedReason.ValueType
) -> None:
    other = await treasury.know_merchant(merchant_id="mer_" + "d" * 32)
    made = await treasury.held(AMOUNT)
    assert await blocked(treasury) == []
    await treasury.know_merchant(aggregate_version=3, **stopped)

    await treasury.submit()

    waiting = await treasury.get(made.withdrawal_id)
    assert (waiting.state, waiting.blocked_reason) == (pb.WITHDRAWAL_STATE_APPROVED, reason)
    assert await blocked(treasury) == [made.withdrawal_id]
    assert await treasury.listed(merchant_id=treasury.merchant_id, blocked=True) == [made.withdrawal_id]
    assert await treasury.listed(merchant_id=other, blocked=True) == []
    assert treasury.bank.sent == {}

    await treasury.know_merchant(aggregate_version=4)
    await treasury.submit()

    paid = await treasury.get(made.withdrawal_id)
    assert (paid.state, paid.blocked_reason) == (pb.WITHDRAWAL_STATE_COMPLETED, pb.BLOCKED_REASON_UNSPECIFIED)
    assert await blocked(treasury) == []


async def test_a_merchant_that_leaves_is_paid_out(treasury: Treasury) -> None:
    await treasury.know_merchant(aggregate_version=3, closing=True)

    assert (await treasury.paid(AMOUNT)).state == pb.WITHDRAWAL_STATE_COMPLETED


async def test_payouts_on_hold_are_accepted_and_wait_while_a_frozen_merchant_can_ask_for_none(
    treasury: Treasury,
) -> None:
    await treasury.know_merchant(aggregate_version=3, payout_hold=True)
    made = await treasury.held(AMOUNT)
    await treasury.know_merchant(aggregate_version=4, frozen=True)

    with pytest.raises(MerchantFrozen):
        await treasury.create(1)

    assert (await treasury.get(made.withdrawal_id)).blocked_reason == pb.BLOCKED_REASON_MERCHANT_FROZEN


async def test_what_is_kept_back_does_not_hold_up_others(treasury: Treasury) -> None:
    kept_back = await treasury.held(1)
    await treasury.know_merchant(aggregate_version=3, payout_hold=True)
    treasury.merchant_id = await treasury.know_merchant(merchant_id="mer_" + "d" * 32)
    treasury.bank_account_id = await treasury.open_account()
    await treasury.settle(100)
    other = await treasury.held(2)

    await treasury.submit()

    assert await treasury.state(kept_back.withdrawal_id) == "APPROVED"
    assert await treasury.state(other.withdrawal_id) == "COMPLETED"
    pending = await treasury.runtime.read(lambda tx: store.attempts.any_pending(tx, channel="simulator"))
    assert pending is False


async def test_a_payout_to_an_account_disabled_meanwhile_fails_unsent_and_is_given_back(treasury: Treasury) -> None:
    made, second = await treasury.held(AMOUNT), await treasury.open_account(token="tok_second")
    to_second = await treasury.create(100, bank_account_id=second)
    await treasury.hold(to_second)
    disable = pb.DisableBankAccountRequest(
        request_id=str(uuid.uuid4()), bank_account_id=treasury.bank_account_id, reason="closed by its owner"
    )
    await treasury.call.DisableBankAccount(disable, ANY)

    await treasury.submit()

    failed = await treasury.get(made.withdrawal_id)
    assert (failed.state, failed.failure_reason) == (pb.WITHDRAWAL_STATE_FAILED, "BANK_ACCOUNT_DISABLED")
    assert await treasury.told_types(made.withdrawal_id) == ["Created", "Approved", "Failed"]
    event = (await treasury.told(made.withdrawal_id))[2]
    assert (event.reason, event.funds_held, event.channel_reference) == ("BANK_ACCOUNT_DISABLED", True, None)
    attempt = await treasury.attempt(made.withdrawal_id)
    assert (attempt.state, attempt.failure_reason) == (pb.ATTEMPT_STATE_FAILED, "BANK_ACCOUNT_DISABLED")
    assert await treasury.state(to_second.withdrawal_id) == "COMPLETED"
    assert list(treasury.bank.sent.values()) == [1]
    assert await treasury.withdrawable() == 99_900


@pytest.mark.parametrize("approval", [0, 1_000_000])
async def test_what_was_not_sent_can_be_called_off_and_is_given_back(treasury: Treasury, approval: int) -> None:
    treasury.limit(approval={"*": approval})
    made = await treasury.held(AMOUNT)

    request_id = str(uuid.uuid4())
    called_off = [
        await treasury.cancel(made.withdrawal_id, reason="wrong account", request_id=request_id) for _ in range(2)
    ]
    await treasury.submit()

    assert called_off[0] == called_off[1]
    assert called_off[0].state == pb.WITHDRAWAL_STATE_CANCELLED
    assert treasury.bank.sent == {}
    assert await treasury.withdrawable() == 100_000
    event = (await treasury.told(made.withdrawal_id))[-1]
    assert (event.reason, event.funds_held, event.actor) == ("wrong account", True, "shop")
    assert await treasury.count("attempt WHERE state = 'FAILED' AND failure_reason = 'CANCELLED'") == (approval > 0)
    with pytest.raises(IllegalTransition):
        await treasury.cancel(made.withdrawal_id)


async def test_what_the_bank_has_cannot_be_called_off(treasury: Treasury) -> None:
    paid = await treasury.paid(AMOUNT)

    with pytest.raises(IllegalTransition) as refused:
        await treasury.cancel(paid.withdrawal_id)

    assert refused.value.metadata == {"state": "COMPLETED", "action": "CANCEL"}


async def test_what_the_ledger_has_not_held_cannot_be_called_off_yet(treasury: Treasury) -> None:
    made = await treasury.create(AMOUNT)
    act_as("shop").deadline = 0.0

    with pytest.raises(IllegalTransition) as refused:
        await treasury.cancel(made.withdrawal_id)

    assert refused.value.metadata == {"state": "CREATED", "action": "CANCEL"}


async def test_calling_off_and_sending_at_once_do_one_of_both(treasury: Treasury, runtime_of: RuntimeOf) -> None:
    other = await runtime_of(SERVICE)
    other.settings = treasury.runtime.settings
    made = [await treasury.held(amount) for amount in range(100, 120)]

    outcomes = await asyncio.gather(
        jobs.submit_withdrawals(other),
        *(treasury.cancel(each.withdrawal_id) for each in made),
        return_exceptions=True,
    )

    states = [await treasury.state(each.withdrawal_id) for each in made]
    assert set(states) <= {"COMPLETED", "CANCELLED"}
    assert sum(isinstance(outcome, IllegalTransition) for outcome in outcomes) == states.count("COMPLETED")
    assert len(treasury.bank.sent) == states.count("COMPLETED")


async def test_payouts_that_are_kept_back_are_counted_by_reason(treasury: Treasury) -> None:
    await treasury.held(1)
    await treasury.held(2)
    await treasury.know_merchant(aggregate_version=3, payout_hold=True)

    assert await jobs.report_blocked(treasury.runtime) is False

    shown = {
        reason: REGISTRY.get_sample_value("paystream_withdrawals_blocked", {"reason": reason})
        for reason in store.BLOCKED_REASONS
    }
    assert shown == {"MERCHANT_FROZEN": 0, "MERCHANT_SUSPENDED": 0, "PAYOUT_HOLD": 2, "CONTRADICTION_OPEN": 0}
