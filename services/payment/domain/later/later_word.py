"""What is done about a word that a channel says against what is recorded: one table for every call. Pure.

docs/contradictions.md says the same for people, with postings and limits; a test compares the two.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from paykit.channels.judging import LaterWord
from paykit.contradictions.contradiction import ContradictionKind
from services.payment.domain.attempt import AttemptAction


class Treatment(StrEnum):
    """What a later word does.

    RECEIVE_LATE: money came, held in suspense and given back. LATE_GONE: the channel took such money back itself.
    REVERSE: a capture bounced. RELEASE: what was authorized is released. LOSE_AUTHORIZATION: nothing more can be
    captured. CANCEL_LATE: what was not captured is given up. CANCEL_AGAIN: the channel is asked once more to release
    it. REFUND_LATE: a refund that had failed is out. REFUND_BACK: one that had succeeded came back. REFUND_TWICE: one
    is out a second time. LOOK_INTO: nothing is moved before people have looked. NOTE: listed, and nothing follows.
    """

    RECEIVE_LATE = "RECEIVE_LATE"
    LATE_GONE = "LATE_GONE"
    REVERSE = "REVERSE"
    RELEASE = "RELEASE"
    LOSE_AUTHORIZATION = "LOSE_AUTHORIZATION"
    CANCEL_LATE = "CANCEL_LATE"
    CANCEL_AGAIN = "CANCEL_AGAIN"
    REFUND_LATE = "REFUND_LATE"
    REFUND_BACK = "REFUND_BACK"
    REFUND_TWICE = "REFUND_TWICE"
    LOOK_INTO = "LOOK_INTO"
    NOTE = "NOTE"


_W, _T, _A = LaterWord, Treatment, AttemptAction
_TAKES_MONEY = {
    _W.SUCCEEDED: _T.RECEIVE_LATE,
    _W.FAILED: _T.REVERSE,
    _W.SECOND_REFERENCE: _T.RECEIVE_LATE,
    _W.SECOND_FAILED: _T.LATE_GONE,
    _W.LESS: _T.REVERSE,
    _W.MORE: _T.RECEIVE_LATE,
}

TREATMENTS: Mapping[tuple[AttemptAction, LaterWord], Treatment] = MappingProxyType(
    {
        **{(action, word): then for action in (_A.CHARGE, _A.CAPTURE) for word, then in _TAKES_MONEY.items()},
        (_A.AUTHORIZE, _W.SUCCEEDED): _T.RELEASE,
        (_A.AUTHORIZE, _W.FAILED): _T.LOSE_AUTHORIZATION,
        (_A.AUTHORIZE, _W.SECOND_REFERENCE): _T.RELEASE,
        (_A.AUTHORIZE, _W.SECOND_FAILED): _T.NOTE,
        (_A.AUTHORIZE, _W.LESS): _T.NOTE,
        (_A.AUTHORIZE, _W.MORE): _T.NOTE,
        (_A.CANCEL, _W.SUCCEEDED): _T.CANCEL_LATE,
        (_A.CANCEL, _W.FAILED): _T.CANCEL_AGAIN,
        (_A.CANCEL, _W.SECOND_REFERENCE): _T.NOTE,
        (_A.CANCEL, _W.SECOND_FAILED): _T.NOTE,
        (_A.REFUND, _W.SUCCEEDED): _T.REFUND_LATE,
        (_A.REFUND, _W.FAILED): _T.REFUND_BACK,
        (_A.REFUND, _W.SECOND_REFERENCE): _T.REFUND_TWICE,
        (_A.REFUND, _W.SECOND_FAILED): _T.LOOK_INTO,
        (_A.REFUND, _W.LESS): _T.REFUND_BACK,
        (_A.REFUND, _W.MORE): _T.REFUND_TWICE,
    }
)
"""What follows a later word about a call, by what was asked. Of a void no amount is a word."""

_FAILURES = {
    _A.CHARGE: ContradictionKind.REVERSED,
    _A.CAPTURE: ContradictionKind.REVERSED,
    _A.REFUND: ContradictionKind.RETURNED,
}


def kind_of(action: AttemptAction, word: LaterWord) -> ContradictionKind:
    """Return what kind of contradiction a later word is."""
    match word:
        case LaterWord.SUCCEEDED:
            return ContradictionKind.LATE_SUCCESS
        case LaterWord.SECOND_REFERENCE:
            return ContradictionKind.SECOND_REFERENCE
        case LaterWord.LESS | LaterWord.MORE:
            return ContradictionKind.OTHER_AMOUNT
        case LaterWord.FAILED:
            return _FAILURES.get(action, ContradictionKind.LATE_FAILURE)
        case LaterWord.SECOND_FAILED:
            return ContradictionKind.LATE_FAILURE
