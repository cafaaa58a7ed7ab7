"""Disputes in a given state, and what is said of them, for tests."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from paykit.channels.attempts import AttemptState
from paystream.payment.v1 import events
from services.payment.domain import dispute_rulings
from services.payment.domain.attempt import AttemptAction
from services.payment.domain.capture import Capture
from services.payment.domain.dispute import Circumstances, DisputeCase, DisputeOutcome, Reported
from services.payment.domain.movement import MovementState
from services.payment.domain.payment import Payment
from tests.unit.payment.builders import ATTEMPT_ID, LATER, NOON, PAYMENT_ID, attempt, captured, terms

DISPUTE_ID = "dsp_" + "6" * 32
OVERTURN_ID = "ovt_" + "7" * 32
CONTRADICTION_ID = "ctr_" + "8" * 32
DUE = NOON + timedelta(days=7)
CHARGED = attempt(AttemptState.SUCCEEDED, channel_reference="ch_1")
FEE_MINOR = 1_500

INQUIRY = events.DisputeStage.INQUIRY
CHARGEBACK = events.DisputeStage.CHARGEBACK
PRE_ARBITRATION = events.DisputeStage.PRE_ARBITRATION
OPENED, WON, LOST = DisputeOutcome.OPENED, DisputeOutcome.WON, DisputeOutcome.LOST


def reported(outcome: DisputeOutcome = OPENED, amount_minor: int = 4_000, **changes: Any) -> Reported:
    given: dict[str, Any] = {
        "attempt_id": ATTEMPT_ID,
        "dispute_reference": "chd_1",
        "outcome": outcome,
        "stage": None,
        "amount_minor": amount_minor,
        "currency_code": "USD",
        "reason": events.DisputeReason.NOT_RECEIVED,
        "category": None,
        "respond_by": DUE,
        "occur_time": None,
    }
    return Reported(**given | changes)


def circumstances(**changes: Any) -> Circumstances:
    given: dict[str, Any] = {
        "fee_minor": FEE_MINOR,
        "overturn_id": OVERTURN_ID,
        "contradiction_id": CONTRADICTION_ID,
        "now": LATER,
    }
    return Circumstances(**given | changes)


def opened(*words: Reported, paid: Payment | None = None, capture: Capture | None = None) -> DisputeCase:
    """A dispute of 10,000 captured, after these words; of a chargeback of 4,000 where there is none."""
    first, *others = words or (reported(),)
    disputed = CHARGED
    if capture is not None:
        disputed = replace(CHARGED, action=AttemptAction.CAPTURE, capture_id=capture.capture_id)
    case = dispute_rulings.open_case(
        paid or captured(terms()), capture, disputed, first, dispute_id=DISPUTE_ID, circumstances=circumstances()
    )
    for word in others:
        case = dispute_rulings.hear(replace(case, told=()), word, circumstances())
    return case


def part_captured(amount_minor: int, capture_id: str = "cap_" + "8" * 32, **changes: Any) -> Capture:
    """One capture of several."""
    given: dict[str, Any] = {
        "capture_id": capture_id,
        "merchant_id": "mer_" + "5" * 32,
        "payment_id": PAYMENT_ID,
        "amount_minor": amount_minor,
        "currency_code": "USD",
        "final": False,
        "state": MovementState.SUCCEEDED,
        "channel_reference": "ch_1",
        "create_time": NOON,
        "update_time": NOON,
    }
    return Capture(**given | changes)
