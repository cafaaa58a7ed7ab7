"""What the simulator does with an attempt: decided by its amount, else drawn from its id by the behaviour in force."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

FIXED_MODULUS = 10_000
"""Amounts with a fixed fate are recognised by amount_minor modulo this."""
BASIS_POINTS = 10_000


class Outcome(StrEnum):
    """What the channel decided."""

    APPROVED = "APPROVED"
    DECLINED = "DECLINED"
    PENDING = "PENDING"


class Sequel(StrEnum):
    """What happens to money that has moved: a payout comes back, or a capture is disputed and contesting ends so."""

    RETURN = "RETURN"
    DISPUTE_WON = "DISPUTE_WON"
    DISPUTE_LOST = "DISPUTE_LOST"


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """How the simulator behaves; shares are in basis points of all attempts.

    Attributes:
        callback_delay_ms: From a PENDING answer to its decision, and from a decision to its callback.
        callback_address: host:port to call back where a call names none; empty for no callback.
        fee_basis_points: Charged on a capture, rounded half up.
        finality_seconds: After this NOT_FOUND proves that an attempt will not happen.
    """

    latency_ms: int = 0
    decline_basis_points: int = 0
    timeout_after_basis_points: int = 0
    timeout_before_basis_points: int = 0
    pending_basis_points: int = 0
    duplicate_callback_basis_points: int = 0
    wrong_fee_basis_points: int = 0
    callback_delay_ms: int = 1_000
    callback_address: str = ""
    fee_basis_points: int = 150
    finality_seconds: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What happens to one attempt that breaks no rule of the acquirer.

    Attributes:
        outcome: What is decided at once.
        decline_code: Why, when DECLINED.
        applied: Whether the attempt is taken at all.
        answered: Whether the caller hears of it.
        later: What is decided after the callback delay, whatever was answered.
        callbacks: How often the final result is called back.
        wrong_fee_minor: Minor units that the statement line charges too much.
        sequel: What happens after the callback delay to money that moved; a return to payouts alone, a dispute to
            captures alone.
    """

    outcome: Outcome = Outcome.APPROVED
    decline_code: str = ""
    applied: bool = True
    answered: bool = True
    later: Outcome | None = None
    callbacks: int = 0
    wrong_fee_minor: int = 0
    sequel: Sequel | None = None


ORDINARY = Fate()
_DECLINED = Fate(outcome=Outcome.DECLINED, decline_code="do_not_honor")
_LOST_ANSWER = Fate(answered=False)
_LOST_CALL = Fate(applied=False, answered=False)
_APPROVED_LATE = Fate(outcome=Outcome.PENDING, later=Outcome.APPROVED, callbacks=1)

FIXED: Mapping[int, Fate] = MappingProxyType(
    {
        9001: replace(_DECLINED, decline_code="insufficient_funds"),
        9002: _DECLINED,
        9003: _LOST_ANSWER,
        9004: _LOST_CALL,
        9005: _APPROVED_LATE,
        9006: Fate(wrong_fee_minor=1),
        9007: Fate(callbacks=2),
        9008: Fate(outcome=Outcome.PENDING, later=Outcome.DECLINED, callbacks=1),
        9009: replace(_DECLINED, later=Outcome.APPROVED, callbacks=1),
        9010: Fate(sequel=Sequel.RETURN),
        9011: Fate(sequel=Sequel.DISPUTE_WON),
        9012: Fate(sequel=Sequel.DISPUTE_LOST),
    }
)
"""Fates by amount_minor modulo FIXED_MODULUS; the proto of the service lists them for callers."""


def fate_of(attempt_id: str, amount_minor: int, behaviour: Behaviour) -> Fate:
    """Decide what happens to an attempt; the same arguments always give the same fate."""
    fixed = FIXED.get(amount_minor % FIXED_MODULUS)
    if fixed is not None:
        return fixed
    fate = _drawn_outcome(_draw(attempt_id, "outcome"), behaviour)
    if fate is ORDINARY and _draw(attempt_id, "callback") < behaviour.duplicate_callback_basis_points:
        fate = replace(fate, callbacks=2)
    if _draw(attempt_id, "fee") < behaviour.wrong_fee_basis_points:
        fate = replace(fate, wrong_fee_minor=1)
    return fate


def _drawn_outcome(drawn: int, behaviour: Behaviour) -> Fate:
    """Give each outcome its share of the numbers below 10,000, one share after the other."""
    shares = (
        (behaviour.decline_basis_points, _DECLINED),
        (behaviour.timeout_after_basis_points, _LOST_ANSWER),
        (behaviour.timeout_before_basis_points, _LOST_CALL),
        (behaviour.pending_basis_points, _APPROVED_LATE),
    )
    for share, fate in shares:
        if drawn < share:
            return fate
        drawn -= share
    return ORDINARY


def _draw(attempt_id: str, purpose: str) -> int:
    """Draw a number below 10,000 that looks random but belongs to the attempt."""
    digest = hashlib.sha256(f"{purpose}:{attempt_id}".encode()).digest()
    return int.from_bytes(digest[:8]) % BASIS_POINTS
