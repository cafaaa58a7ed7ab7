"""What follows from what the bank says of a payout after it has ended: one table, recorded state x later word. Pure.

The first rule: what may be out counts as out at once; what came back can be withdrawn again at once; what rules cannot
explain is left to two people, and payouts of the merchant and currency wait for them.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from paykit.channels.attempts import Evidence, EvidenceOutcome
from paykit.channels.judging import LaterWord
from paykit.contradictions.contradiction import ContradictionKind
from services.withdrawal.domain.withdrawal import Withdrawal
from services.withdrawal.domain.withdrawal_state import WithdrawalState


class PayoutWord(StrEnum):
    """What is said of a payout that has ended, as far as it is news; see `LaterWord`.

    RETURNED: it was paid, and came back. RETURNED_OTHER: something else came back than is recorded, which stays.
    """

    PAID = "PAID"
    NOT_PAID = "NOT_PAID"
    PAID_AGAIN = "PAID_AGAIN"
    NOT_PAID_AGAIN = "NOT_PAID_AGAIN"
    OTHER_AMOUNT = "OTHER_AMOUNT"
    RETURNED = "RETURNED"
    RETURNED_OTHER = "RETURNED_OTHER"


class PayoutMovement(StrEnum):
    """What a word moves: nothing, the amount out once more, back, or out and back.

    MORE: nothing is booked, but what the bank says is out beyond the amount counts as out.
    """

    NOTHING = "NOTHING"
    MORE = "MORE"
    OUT = "OUT"
    BACK = "BACK"
    RETURN = "RETURN"
    OUT_AND_RETURN = "OUT_AND_RETURN"


@dataclass(frozen=True, slots=True)
class LateRule:
    """What follows from a word.

    Attributes:
        kind: Of the contradiction that is listed; None where the word contradicts nothing.
        needs_decision: Whether two people decide, and payouts of the merchant and currency wait for them; where the
            money went out and came back, only if some of it is still out.
    """

    movement: PayoutMovement
    kind: ContradictionKind | None
    needs_decision: bool


_S, _W, _M, _K = WithdrawalState, PayoutWord, PayoutMovement, ContradictionKind
_PAID_LATE = LateRule(_M.OUT, _K.LATE_SUCCESS, needs_decision=True)
_PAID_AGAIN = LateRule(_M.OUT, _K.SECOND_REFERENCE, needs_decision=True)
_PAID_LATE_AND_RETURNED = LateRule(_M.OUT_AND_RETURN, _K.LATE_SUCCESS, needs_decision=True)
_OTHER_AMOUNT = LateRule(_M.NOTHING, _K.OTHER_AMOUNT, needs_decision=True)
_OTHER_AMOUNT_PAID = LateRule(_M.MORE, _K.OTHER_AMOUNT, needs_decision=True)
_NOT_PAID_AGAIN = LateRule(_M.BACK, _K.LATE_FAILURE, needs_decision=False)

RULES: Mapping[tuple[WithdrawalState, PayoutWord], LateRule] = MappingProxyType(
    {
        (_S.FAILED, _W.PAID): _PAID_LATE,
        (_S.FAILED, _W.RETURNED): _PAID_LATE_AND_RETURNED,
        (_S.CANCELLED, _W.PAID): _PAID_LATE,
        (_S.CANCELLED, _W.RETURNED): _PAID_LATE_AND_RETURNED,
        (_S.COMPLETED, _W.NOT_PAID): LateRule(_M.BACK, _K.LATE_FAILURE, needs_decision=False),
        (_S.COMPLETED, _W.PAID_AGAIN): _PAID_AGAIN,
        (_S.COMPLETED, _W.NOT_PAID_AGAIN): _NOT_PAID_AGAIN,
        (_S.COMPLETED, _W.OTHER_AMOUNT): _OTHER_AMOUNT_PAID,
        (_S.COMPLETED, _W.RETURNED): LateRule(_M.RETURN, None, needs_decision=False),
        (_S.COMPLETED, _W.RETURNED_OTHER): LateRule(_M.NOTHING, _K.RETURNED, needs_decision=True),
        (_S.RETURNED, _W.PAID): _PAID_AGAIN,
        (_S.RETURNED, _W.PAID_AGAIN): _PAID_AGAIN,
        # Nothing more comes back by itself of what banks kept: people look after it.
        (_S.RETURNED, _W.NOT_PAID): LateRule(_M.NOTHING, _K.LATE_FAILURE, needs_decision=True),
        (_S.RETURNED, _W.OTHER_AMOUNT): _OTHER_AMOUNT,
        (_S.RETURNED, _W.RETURNED_OTHER): _OTHER_AMOUNT,
    }
)
"""What follows from a word in each state; a pair that is missing cannot be, and is left to people all the same."""

_WORDS: Mapping[LaterWord, PayoutWord] = MappingProxyType(
    {
        LaterWord.SUCCEEDED: _W.PAID,
        LaterWord.FAILED: _W.NOT_PAID,
        LaterWord.SECOND_REFERENCE: _W.PAID_AGAIN,
        LaterWord.SECOND_FAILED: _W.NOT_PAID_AGAIN,
        LaterWord.LESS: _W.OTHER_AMOUNT,
        LaterWord.MORE: _W.OTHER_AMOUNT,
    }
)


def word_of(withdrawal: Withdrawal, evidence: Evidence, later_word: LaterWord | None) -> PayoutWord | None:
    """Return what evidence says of a payout that has ended; None where it says nothing new.

    Args:
        withdrawal: As it stands.
        evidence: What became known.
        later_word: What it says against the attempt; None where it says nothing against it.
    """
    if evidence.outcome is EvidenceOutcome.RETURNED:
        return _word_of_return(withdrawal, evidence)
    return None if later_word is None else _WORDS[later_word]


def rule_of(withdrawal: Withdrawal, word: PayoutWord) -> LateRule:
    """Return what follows from a word."""
    return RULES.get((withdrawal.state, word)) or _unexplained(word)


def needs_decision(rule: LateRule, *, before: Withdrawal, after: Withdrawal) -> bool:
    """Return whether people decide, once a word was applied to a withdrawal.

    What went out and came back as a whole leaves nothing to decide; what could not be booked back does.
    """
    if rule.movement is PayoutMovement.OUT_AND_RETURN:
        return after.taken_minor > 0
    return rule.needs_decision or (rule.movement is PayoutMovement.BACK and after is before)


def settled_kinds(withdrawal: Withdrawal, word: PayoutWord) -> Collection[ContradictionKind]:
    """Return the kinds of contradictions that a word ends, once it was applied: what is not out any more."""
    if word not in {PayoutWord.NOT_PAID, PayoutWord.NOT_PAID_AGAIN, PayoutWord.RETURNED}:
        return ()
    if withdrawal.taken_minor == 0:
        return ContradictionKind.LATE_SUCCESS, ContradictionKind.SECOND_REFERENCE
    once_again = word is not PayoutWord.RETURNED and withdrawal.taken_minor <= withdrawal.amount_minor
    return (ContradictionKind.SECOND_REFERENCE,) if once_again else ()


def _unexplained(word: PayoutWord) -> LateRule:
    failed = word in {PayoutWord.NOT_PAID, PayoutWord.NOT_PAID_AGAIN}
    kind = ContradictionKind.LATE_FAILURE if failed else ContradictionKind.LATE_SUCCESS
    return LateRule(PayoutMovement.NOTHING, kind, needs_decision=True)


def _word_of_return(withdrawal: Withdrawal, evidence: Evidence) -> PayoutWord | None:
    if withdrawal.returned_minor is None:
        return PayoutWord.RETURNED
    if withdrawal.state is WithdrawalState.RETURNED:
        # The same return told again names the same amount, or none.
        told_before = evidence.amount_minor in {None, withdrawal.returned_minor}
        return None if told_before else PayoutWord.RETURNED_OTHER
    # It was paid again since, under another reference: what is told of the first return is old.
    again = evidence.channel_reference is not None and evidence.channel_reference == withdrawal.channel_reference
    return PayoutWord.RETURNED_OTHER if again else None
