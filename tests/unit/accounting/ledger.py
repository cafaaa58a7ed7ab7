"""Events and journals for tests of the ledger: every field given, the interesting ones by argument."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from paykit.cause import Cause
from paystream.accounting.v1.events import Side
from paystream.channel.v1.events import ChannelStatementClosed
from paystream.payment.v1.events import (
    ContradictionResolution,
    DisputeDecision,
    DisputeLost,
    DisputeOpened,
    DisputeOverturned,
    DisputeReason,
    DisputeStage,
    DisputeWon,
    LateCaptureAccepted,
    LateCaptureReceived,
    LateReason,
    PaymentContradictionResolved,
    PaymentMethod,
    PaymentReversed,
    PaymentSuccess,
    RefundReason,
    RefundReturned,
    RefundSuccess,
)
from paystream.reconciliation.v1.events import CorrectionApproved
from paystream.settlement.v1.events import (
    BalanceRecovered,
    ReserveConsumed,
    ReserveReleased,
    SettlementCreated,
    SettlementTrigger,
)
from paystream.withdrawal.v1.events import (
    WithdrawalBounced,
    WithdrawalCancelled,
    WithdrawalCompleted,
    WithdrawalCreated,
    WithdrawalFailed,
    WithdrawalPaidLate,
    WithdrawalRejected,
    WithdrawalReturned,
)
from services.accounting.domain.journal import Journal, Leg
from tests.event_fields import CAPTURED, DISPUTED, REFUNDED

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ALICE = "mer_" + "a" * 32
BOB = "mer_" + "b" * 32
CAUSE = Cause("cor_test", None, "ops", None)


def _id(prefix: str, number: int) -> str:
    """Make an id; each fourth is a UUIDv7, as all are in earnest, and the others lead the long way."""
    return (
        f"{prefix}_{0x0195_A000_0000 + number:012x}70008{number:015x}" if number % 4 == 3 else f"{prefix}_{number:032x}"
    )


def capture_id(number: int) -> str:
    return _id("cap", number)


def payment_id(number: int) -> str:
    return _id("pay", number)


def refund_id(number: int) -> str:
    return _id("ref", number)


def capture(number: int = 1, **changes: Any) -> PaymentSuccess:
    given: dict[str, Any] = {
        "event_id": f"evt_{number:032x}",
        "occurred_at": NOON,
        "recorded_at": NOON,
        "merchant_id": ALICE,
        "correlation_id": "cor_test",
        "aggregate_version": 3,
        "payment_id": payment_id(number),
        "capture_id": capture_id(number),
        "order_id": None,
        "merchant_reference": f"order {number}",
        "amount_minor": 10_000,
        "currency_code": "USD",
        "fee_minor": 320,
        "fee_plan_version": 1,
        "final": False,
        "order_returned_minor": 0,
        **CAPTURED,
        "method": PaymentMethod.CARD,
        "channel": "simulator",
        "channel_reference": f"ch_{number}",
    }
    return PaymentSuccess(**(given | changes))


def refund(number: int = 1, **changes: Any) -> RefundSuccess:
    given: dict[str, Any] = {
        "event_id": f"evt_{number + 10**6:032x}",
        "occurred_at": NOON,
        "recorded_at": NOON,
        "merchant_id": ALICE,
        "correlation_id": "cor_test",
        "aggregate_version": 4,
        "refund_id": refund_id(number),
        "payment_id": payment_id(number),
        "capture_id": capture_id(number),
        "order_id": None,
        "merchant_reference": f"order {number}",
        "amount_minor": 4_000,
        "currency_code": "USD",
        "fee_returned_minor": 0,
        "suspense_minor": 0,
        **REFUNDED,
        "reason": RefundReason.CUSTOMER_REQUEST,
        "channel": "simulator",
        "channel_reference": f"ch_{number}",
    }
    return RefundSuccess(**(given | changes))


L = TypeVar("L", LateCaptureReceived, LateCaptureAccepted)


def late(step: type[L], number: int = 1, **changes: Any) -> L:
    """Give what tells of money that came late for capture `number`."""
    given = _of_capture(step, number) | {
        "amount_minor": 1_234,
        **({"late_reason": LateReason.AFTER_FAILURE, "attempt_id": "att_1"} if step is LateCaptureReceived else {}),
    }
    return step(**(given | changes))


def reversed_(number: int = 1, **changes: Any) -> PaymentReversed:
    """Give the bounce of capture `number`."""
    given = _of_capture(PaymentReversed, number) | {
        "amount_minor": 10_000,
        "fee_returned_minor": 320,
        "failure_code": None,
        "attempt_id": "att_1",
    }
    return PaymentReversed(**(given | changes))


def refund_returned(number: int = 1, **changes: Any) -> RefundReturned:
    """Give the return of refund `number`."""
    given = _of_capture(RefundReturned, number) | {
        "refund_id": refund_id(number),
        "amount_minor": 4_000,
        "fee_minor": 0,
        "suspense_minor": 0,
        **REFUNDED,
        "reason": RefundReason.CUSTOMER_REQUEST,
        "failure_code": None,
    }
    return RefundReturned(**(given | changes))


def resolved(number: int = 1, **changes: Any) -> PaymentContradictionResolved:
    """Give the decision of a contradiction about payment `number`."""
    given = _of_capture(PaymentContradictionResolved, number) | {
        "contradiction_id": f"ctr_{number:032x}",
        "amount_minor": 4_000,
        "resolution": ContradictionResolution.CHARGE_MERCHANT,
        "charged_minor": 0,
        "written_off_minor": 0,
        "proposer": "ann",
        "reason": "because",
    }
    for field in ("capture_id", "channel", "channel_reference"):
        given.pop(field)
    return PaymentContradictionResolved(**(given | changes))


def _of_capture(event: type[Any], number: int) -> dict[str, Any]:
    return _envelope(event, number) | {
        "payment_id": payment_id(number),
        "capture_id": capture_id(number),
        "order_id": None,
        "merchant_reference": f"order {number}",
        "channel": "simulator",
        "channel_reference": f"ch_{number}",
    }


def dispute_id(number: int) -> str:
    return _id("dsp", number)


def settlement_id(number: int) -> str:
    return _id("stl", number)


def withdrawal_id(number: int) -> str:
    return _id("wdr", number)


D = TypeVar("D", DisputeOpened, DisputeWon, DisputeLost)
W = TypeVar(
    "W",
    WithdrawalCreated,
    WithdrawalRejected,
    WithdrawalFailed,
    WithdrawalCancelled,
    WithdrawalCompleted,
    WithdrawalPaidLate,
    WithdrawalReturned,
    WithdrawalBounced,
)


def dispute(step: type[D], number: int = 1, **changes: Any) -> D:
    """Give a step of dispute `number`, which is about payment `number`."""
    given = _envelope(step, number) | {
        "dispute_id": dispute_id(number),
        "payment_id": payment_id(number),
        "order_id": None,
        "merchant_reference": f"order {number}",
        "amount_minor": 2_500,
        "reason": DisputeReason.NOT_RECEIVED,
        "channel": "simulator",
        "channel_reference": f"dp_{number}",
        "capture_id": capture_id(number),
        "stage": DisputeStage.CHARGEBACK,
        **DISPUTED,
        **_OF_STEP[step],
    }
    return step(**(given | changes))


def overturned(outcome: DisputeDecision, number: int = 1, **changes: Any) -> DisputeOverturned:
    """Give the new decision of dispute `number`: of 2,500, all of it on the settlement account."""
    given = _envelope(DisputeOverturned, number) | {
        "overturn_id": f"ovt_{number:032x}",
        "dispute_id": dispute_id(number),
        "payment_id": payment_id(number),
        "order_id": None,
        "merchant_reference": f"order {number}",
        "amount_minor": 2_500,
        "reason": DisputeReason.NOT_RECEIVED,
        "channel": "simulator",
        "channel_reference": f"dp_{number}",
        "capture_id": capture_id(number),
        "stage": DisputeStage.PRE_ARBITRATION,
        "outcome": outcome,
        "settlement_minor": 2_500,
        "receivable_minor": 0,
        **DISPUTED,
    }
    return DisputeOverturned(**(given | changes))


def settlement(number: int = 1, *, net: int = 9_000, reserve: int = 1_000, **changes: Any) -> SettlementCreated:
    given = _envelope(SettlementCreated, number) | {
        "settlement_id": settlement_id(number),
        "trigger": SettlementTrigger.THRESHOLD,
        "cut_off_at": None,
        "item_count": 3,
        "payments_minor": net + reserve + 800,
        "refunds_minor": -500,
        "fees_minor": -320,
        "disputes_minor": -30,
        "reserve_released_minor": 40,
        "adjustments_minor": 10,
        "total_minor": net + reserve,
        "reserve_held_minor": reserve,
        "net_minor": net,
        "reserve_release_at": None,
    }
    return SettlementCreated(**(given | changes))


def release(number: int = 1, **changes: Any) -> ReserveReleased:
    """Give the release of the reserve of settlement `number`."""
    given = _envelope(ReserveReleased, number) | {
        "settlement_id": settlement_id(number),
        "release_id": None,
        "amount_minor": 1_000,
    }
    return ReserveReleased(**(given | changes))


def consumption(number: int = 1, **changes: Any) -> ReserveConsumed:
    """Give the consumption of the reserve of settlement `number`."""
    given = _envelope(ReserveConsumed, number) | {
        "consumption_id": f"rsc_{number:032x}",
        "settlement_id": settlement_id(number),
        "amount_minor": 1_000,
    }
    return ReserveConsumed(**(given | changes))


def recovery(number: int = 1, *, settlement: int = 0, receivable: int = 0, **changes: Any) -> BalanceRecovered:
    given = _envelope(BalanceRecovered, number) | {
        "recovery_id": f"rec_{number:032x}",
        "settlement_id": f"rec_{number:032x}",
        "amount_minor": settlement + receivable,
        "settlement_minor": settlement,
        "receivable_minor": receivable,
    }
    return BalanceRecovered(**(given | changes))


def statement(number: int = 1, **changes: Any) -> ChannelStatementClosed:
    """Give a closing statement of which the totals not named are 0."""
    totals = ("captured", "refunded", "paid", "channel_fee", "net", "disputed", "returned", "dispute_won", "reversed")
    given = _envelope(ChannelStatementClosed, number) | {
        "merchant_id": None,
        "statement_id": f"stm_{number:032x}",
        "channel": "simulator",
        "statement_date": "2026-03-01",
        "line_count": 3,
        **{f"{total}_minor": 0 for total in (*totals, "refund_returned", "acquirer_net", "bank_net")},
        "opening_balance_minor": 0,
        "closing_balance_minor": 0,
        "value_date": "2026-03-02",
        "bank_reference": None,
        "statement_fee_minor": 0,
        "acquirer_line_count": 3,
        "bank_line_count": 0,
    }
    return ChannelStatementClosed(**(given | changes))


def correction_id(number: int) -> str:
    return _id("crp", number)


def correction(number: int = 1, *, debit: str, credit: str, **changes: Any) -> CorrectionApproved:
    given = _envelope(CorrectionApproved, number) | {
        "merchant_id": None,
        "discrepancy_id": f"dis_{number:032x}",
        "correction_id": correction_id(number),
        "statement_id": f"stm_{number:032x}",
        "channel": "simulator",
        "related_no": capture_id(number),
        "channel_reference": "sim_1",
        "debit_account_kind": debit,
        "credit_account_kind": credit,
        "amount_minor": 30,
        "reason": "the acquirer's new tariff",
        "proposer": "ann",
        "approver": "bob",
    }
    return CorrectionApproved(**(given | changes))


def withdrawal(step: type[W], number: int = 1, **changes: Any) -> W:
    given = _envelope(step, number) | {
        "withdrawal_id": withdrawal_id(number),
        "bank_account_id": "bnk_" + "1" * 32,
        "amount_minor": 6_000,
        "bank_account_last_four": "4321",
        "requester": "shop",
        "decider": None,
        "note": None,
        "submitted_at": None,
        "payout_fee_minor": 0,
        **_OF_STEP[step],
    }
    return step(**(given | changes))


_BANKS = {"channel": "simulator", "channel_reference": "po_1", "attempt_id": "att_1"}
_OF_STEP: Mapping[type[Any], Mapping[str, Any]] = {
    DisputeOpened: {"respond_by": None, "category": None, "excess_minor": 0, "fee_minor": 0},
    DisputeWon: {"excess_minor": 0, "fee_returned_minor": 0},
    DisputeLost: {"accepted": False, "returned_minor": 0, "excess_lost_minor": 0, "excess_returned_minor": 0},
    WithdrawalCreated: {"approval_required": False},
    WithdrawalRejected: {"reason": "wrong account"},
    WithdrawalFailed: {
        "funds_held": True,
        "reason": "BANK_REJECTED",
        "failure_code": None,
        "channel_reference": None,
        "attempt_id": None,
    },
    WithdrawalCompleted: _BANKS,
    WithdrawalReturned: _BANKS | {"return_code": None, "bank_fee_minor": 0, "returned_minor": 6_000},
    WithdrawalCancelled: {"funds_held": True, "reason": None},
    WithdrawalPaidLate: _BANKS | {"previous_state": "FAILED"},
    WithdrawalBounced: _BANKS | {"failure_code": None},
}


def _envelope(step: type[Any], number: int) -> dict[str, Any]:
    return {
        "event_id": f"evt_{step.__name__}_{number}",
        "occurred_at": NOON,
        "recorded_at": NOON,
        "merchant_id": ALICE,
        "correlation_id": "cor_test",
        "aggregate_version": 1,
        "currency_code": "USD",
    }


def debit(account_kind: str, amount_minor: int, merchant_id: str | None = None) -> Leg:
    return Leg(side=Side.DEBIT, amount_minor=amount_minor, account_kind=account_kind, merchant_id=merchant_id)


def credit(account_kind: str, amount_minor: int, merchant_id: str | None = None) -> Leg:
    return Leg(side=Side.CREDIT, amount_minor=amount_minor, account_kind=account_kind, merchant_id=merchant_id)


def journal(*legs: Leg, **changes: Any) -> Journal:
    given: dict[str, Any] = {
        "transaction_type": "Adjustment",
        "related_no": "ticket-1",
        "currency_code": "USD",
        "legs": legs,
        "reason": "Goodwill",
        "effective_at": None,
        "cause": CAUSE,
    }
    return Journal(**(given | changes))
