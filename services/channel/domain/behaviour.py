"""What the simulator does with an attempt: decided by its amount, else drawn from its id by the behaviour in force."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

from paykit.channels.actions.next_action import NextActionKind

FIXED_MODULUS = 10_000
"""Amounts with a fixed scenario are recognised by amount_minor modulo this."""
BASIS_POINTS = 10_000
PART_MINOR = 5_000
"""What is approved in part is a whole multiple of this, in minor units."""
GLOBAL = ""
"""The merchant_id under which the global behaviour is kept."""


class Decision(StrEnum):
    """What the channel decided."""

    APPROVED = "APPROVED"
    DECLINED = "DECLINED"
    PENDING = "PENDING"


class Aftereffect(StrEnum):
    """What happens to an attempt after it was approved.

    RETURN, RETURN_SHORT: a payout comes back, whole or less the bank's fee. UNDONE: it failed after all.
    APPROVED_AGAIN: it is approved a second time, under another reference. DISPUTE_WON, DISPUTE_LOST: a capture is
    disputed, and contesting ends so.
    """

    RETURN = "RETURN"
    RETURN_SHORT = "RETURN_SHORT"
    UNDONE = "UNDONE"
    APPROVED_AGAIN = "APPROVED_AGAIN"
    DISPUTE_WON = "DISPUTE_WON"
    DISPUTE_LOST = "DISPUTE_LOST"


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """How the simulator behaves; shares are in basis points of all attempts.

    Attributes:
        callback_delay_ms: From a PENDING answer to its decision, and from a decision to its callback.
        callback_address: host:port to call back where a call names none; empty for no callback.
        fee_basis_points: Charged on a capture, rounded half up.
        statement_fee_minor: Charged for closing a statement, in its currency; the global one holds.
        action_expires_seconds: How long a payer has for what has to be done.
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
    statement_fee_minor: int = 0
    action_expires_seconds: int = 900


DEFAULTS = Behaviour()
"""The behaviour where nothing was set."""


@dataclass(frozen=True, slots=True)
class Behaviours:
    """The behaviours that are set, by merchant_id; the global one under GLOBAL."""

    by_merchant: Mapping[str, Behaviour]

    def of(self, merchant_id: str | None) -> Behaviour:
        """Return the behaviour that applies to a merchant: its own, else the global one, else the defaults."""
        return self.by_merchant.get(merchant_id or GLOBAL) or self.by_merchant.get(GLOBAL) or DEFAULTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What happens to one attempt that breaks no rule of the acquirer.

    Attributes:
        outcome: What is decided at once.
        decline_code: Why, when DECLINED.
        applied: Whether the attempt is taken at all.
        answered: Whether the caller hears of it.
        later: What is decided after the callback delay, whatever was answered.
        callbacks: How often the final result is called back.
        wrong_fee_minor: Minor units that the statement line charges too much.
        aftereffect: What happens after the callback delay to what was approved; a return to payouts alone, a dispute to
            captures alone.
        part: Whether only a part is approved, as `part_of` says.
        refund_declines: How many refunds of what it captures are declined, from the first.
        action: What the payer has to do first; the decision comes after the callback delay or, with `waits`, when the
            payer's time is over.
        waits: Whether nobody plays the payer, but SetOutcome.
        money_in: Whether it meets authorizations and captures alone, or with False refunds and payouts alone: the
            others are ordinary then.
    """

    outcome: Decision = Decision.APPROVED
    decline_code: str = ""
    applied: bool = True
    answered: bool = True
    later: Decision | None = None
    callbacks: int = 0
    wrong_fee_minor: int = 0
    aftereffect: Aftereffect | None = None
    part: bool = False
    refund_declines: int = 0
    money_in: bool | None = None
    action: NextActionKind | None = None
    waits: bool = False


ORDINARY = Scenario()
_DECLINED = Scenario(outcome=Decision.DECLINED, decline_code="do_not_honor")
_LOST_ANSWER = Scenario(answered=False)
_LOST_CALL = Scenario(applied=False, answered=False)
_DECLINED_WRONGLY = replace(_DECLINED, later=Decision.APPROVED, callbacks=1)
_APPROVED_LATE = Scenario(outcome=Decision.PENDING, later=Decision.APPROVED, callbacks=1)
_REDIRECTED = Scenario(
    outcome=Decision.PENDING, later=Decision.DECLINED, callbacks=1, money_in=True, action=NextActionKind.REDIRECT_TO_URL
)
_WAITING = replace(_REDIRECTED, waits=True)

FIXED: Mapping[int, Scenario] = MappingProxyType(
    {
        9001: replace(_DECLINED, decline_code="insufficient_funds"),
        9002: _DECLINED,
        9003: _LOST_ANSWER,
        9004: _LOST_CALL,
        9005: _APPROVED_LATE,
        9006: Scenario(wrong_fee_minor=1),
        9007: Scenario(callbacks=2),
        9008: Scenario(outcome=Decision.PENDING, later=Decision.DECLINED, callbacks=1),
        9009: _DECLINED_WRONGLY,
        9010: Scenario(aftereffect=Aftereffect.RETURN),
        9011: Scenario(aftereffect=Aftereffect.DISPUTE_WON),
        9012: Scenario(aftereffect=Aftereffect.DISPUTE_LOST),
        9013: Scenario(part=True, money_in=True),
        9014: Scenario(aftereffect=Aftereffect.APPROVED_AGAIN, money_in=True),
        9015: Scenario(aftereffect=Aftereffect.UNDONE),
        9016: Scenario(aftereffect=Aftereffect.RETURN_SHORT),
        9017: replace(_DECLINED_WRONGLY, refund_declines=2, money_in=True),
        9020: Scenario(aftereffect=Aftereffect.APPROVED_AGAIN, money_in=False),
        9021: _WAITING,
        9022: replace(_WAITING, action=NextActionKind.THREE_D_SECURE_CHALLENGE),
        9023: replace(_WAITING, action=NextActionKind.DISPLAY_QR_CODE),
        9024: replace(_WAITING, action=NextActionKind.DISPLAY_VOUCHER),
        9025: replace(_REDIRECTED, later=Decision.APPROVED),
        9026: _REDIRECTED,
    }
)
"""Scenarios by amount_minor modulo FIXED_MODULUS; the proto of the service lists them for callers."""

FIXED_CANCELS: Mapping[int, Scenario] = MappingProxyType(
    {
        9018: replace(_DECLINED_WRONGLY, decline_code="processing_error"),
        9019: Scenario(aftereffect=Aftereffect.UNDONE),
    }
)
"""Scenarios of cancelling, by what was authorized."""


def part_of(amount_minor: int) -> int:
    """Return what is approved where only a part is: the amount, down to a whole multiple of PART_MINOR."""
    return amount_minor - amount_minor % PART_MINOR


def cancel_scenario_of(authorized_minor: int) -> Scenario:
    """Decide what happens to the cancelling of an authorization."""
    return FIXED_CANCELS.get(authorized_minor % FIXED_MODULUS, ORDINARY)


def scenario_of(attempt_id: str, amount_minor: int, behaviour: Behaviour, *, money_in: bool) -> Scenario:
    """Decide what happens to an attempt; the same arguments always give the same scenario.

    `money_in` says that it is an authorization or a capture.
    """
    fixed = FIXED.get(amount_minor % FIXED_MODULUS)
    if fixed is not None:
        return fixed if fixed.money_in in {None, money_in} else ORDINARY
    scenario = _drawn_outcome(_draw(attempt_id, "outcome"), behaviour)
    if scenario is ORDINARY and _draw(attempt_id, "callback") < behaviour.duplicate_callback_basis_points:
        scenario = replace(scenario, callbacks=2)
    if _draw(attempt_id, "fee") < behaviour.wrong_fee_basis_points:
        scenario = replace(scenario, wrong_fee_minor=1)
    return scenario


def _drawn_outcome(drawn: int, behaviour: Behaviour) -> Scenario:
    """Return each outcome its share of the numbers below 10,000, one share after the other."""
    shares = (
        (behaviour.decline_basis_points, _DECLINED),
        (behaviour.timeout_after_basis_points, _LOST_ANSWER),
        (behaviour.timeout_before_basis_points, _LOST_CALL),
        (behaviour.pending_basis_points, _APPROVED_LATE),
    )
    for share, scenario in shares:
        if drawn < share:
            return scenario
        drawn -= share
    return ORDINARY


def _draw(attempt_id: str, purpose: str) -> int:
    """Draw a number below 10,000 that looks random but belongs to the attempt."""
    digest = hashlib.sha256(f"{purpose}:{attempt_id}".encode()).digest()
    return int.from_bytes(digest[:8]) % BASIS_POINTS
