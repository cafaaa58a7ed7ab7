"""What follows a later word: the table is complete, docs/contradictions.md says the same, and each row is applied."""

import re
from pathlib import Path

from paykit.channels.judging import LaterWord
from paykit.contradictions.contradiction import ContradictionKind
from services.payment.domain.attempt import AttemptAction
from services.payment.domain.later.later_word import TREATMENTS, Treatment, kind_of

DOCUMENT = Path(__file__).parents[3] / "docs/contradictions.md"
ROW = re.compile(
    r"^\| (?P<call>[A-Z]+) \| (?P<recorded>[A-Z]+) \| (?P<word>[A-Z_]+) \| (?P<then>[A-Z_]+) \|", re.MULTILINE
)
OF_MONEY = {AttemptAction.CHARGE, AttemptAction.CAPTURE, AttemptAction.REFUND, AttemptAction.AUTHORIZE}


def test_the_document_has_the_same_rows() -> None:
    rows = [match.groupdict() for match in ROW.finditer(DOCUMENT.read_text(encoding="utf-8"))]

    assert {(row["call"], row["word"]): row["then"] for row in rows} == {
        (str(action), str(word)): str(then) for (action, word), then in TREATMENTS.items()
    }
    assert len(rows) == len(TREATMENTS)
    # Only a success can be said against a failure; everything else is said against a success.
    assert {(row["recorded"], row["word"] == "SUCCEEDED") for row in rows} == {("FAILED", True), ("SUCCEEDED", False)}


def test_every_word_about_every_call_has_a_row_but_amounts_of_what_moves_none() -> None:
    amounts = {LaterWord.LESS, LaterWord.MORE}
    wanted = {
        (action, word) for action in AttemptAction for word in LaterWord if action in OF_MONEY or word not in amounts
    }
    assert set(TREATMENTS) == wanted


def test_every_treatment_follows_some_word() -> None:
    assert set(TREATMENTS.values()) == set(Treatment)


def test_the_kind_says_what_was_said_against_what() -> None:
    kinds = {pair: kind_of(*pair) for pair in TREATMENTS}

    assert {kinds[action, LaterWord.SUCCEEDED] for action in AttemptAction} == {ContradictionKind.LATE_SUCCESS}
    assert {action: str(kinds[action, LaterWord.FAILED]) for action in AttemptAction} == {
        AttemptAction.CHARGE: "REVERSED",
        AttemptAction.CAPTURE: "REVERSED",
        AttemptAction.REFUND: "RETURNED",
        AttemptAction.AUTHORIZE: "LATE_FAILURE",
        AttemptAction.CANCEL: "LATE_FAILURE",
    }
    assert {str(kinds[action, LaterWord.LESS]) for action in OF_MONEY} == {"OTHER_AMOUNT"}
