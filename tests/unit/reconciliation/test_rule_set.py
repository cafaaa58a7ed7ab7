"""Rules: what a line may sum up, and what is refused with the place that it stands at."""

import pytest

from services.reconciliation.domain.rule_set import RuleSetInvalid, parse

MOVED = ["CAPTURE", "CAPTURE_REVERSED", "REFUND", "REFUND_RETURNED", "PAY", "RETURN", "DISPUTE", "DISPUTE_REVERSED"]
"""What movements are of that payment and withdrawal tell of."""


def rule(kind: str, operation: str) -> str:
    return f'[[rule]]\nkind = "TEXT"\n[[rule]]\nkind = "{kind}"\noperation = {operation}\n'


@pytest.mark.parametrize("operation", MOVED)
def test_a_line_may_sum_up_whatever_moves(operation: str) -> None:
    content = rule("BATCH", f'"{operation}"')
    assert parse(content) == parse(content, kept=True)
    assert parse(content).rules[1].operation == operation


NONE_THAT_MOVES = [
    *(
        '"\\u0000"',
        '"CAPTUR"',
        '"capture"',
        '"CAPTURE "',
        '"FEE"',
        '"ADJUSTMENT"',
        '"PAYOUT_TO_PLATFORM"',
        '"AUTHORIZE"',
    ),
    *('"CANCEL"', '"UNKNOWN"', '""', "1", "true", "[]", '["CAPTURE"]', "{}", "2026-03-01"),
]


@pytest.mark.parametrize("operation", NONE_THAT_MOVES)
def test_what_no_movement_is_of_is_refused_and_matches_nothing_where_it_was_kept(operation: str) -> None:
    content = rule("BATCH", operation)
    with pytest.raises(RuleSetInvalid) as refused:
        parse(content)
    assert refused.value.metadata["path"] == "rule[1].operation"
    assert parse(content, kept=True).rules[1].operation == ""


@pytest.mark.parametrize("kind", ["REFERENCE", "TEXT", "WINDOW"])
@pytest.mark.parametrize("operation", ['"CAPTURE"', '"\\u0000"', "1", "false", "[]"])
def test_an_operation_stands_with_a_batch_alone(kind: str, operation: str) -> None:
    with pytest.raises(RuleSetInvalid) as refused:
        parse(rule(kind, operation))
    assert refused.value.metadata["path"] == "rule[1].operation"


@pytest.mark.parametrize(
    ("content", "path"),
    [
        ('[[rule]]\nkind = "TEXT\\u0000"\n', "rule[0].kind"),
        ("[[rule]]\nkind = []\n", "rule[0].kind"),
        ('[[rule]]\nkind = "REFERENCE"\nby = "text"\n', "rule[0].by"),
        ('[[rule]]\nkind = "REFERENCE"\nby = "related_no\\u0000"\n', "rule[0].by"),
        ('[[rule]]\nkind = "REFERENCE"\nby = {}\n', "rule[0].by"),
        ('[[rule]]\nkind = "TEXT"\n"\\u0000" = 1\n', "rule[0].\0"),
    ],
)
def test_an_unknown_name_is_refused(content: str, path: str) -> None:
    with pytest.raises(RuleSetInvalid) as refused:
        parse(content)
    assert refused.value.metadata["path"] == path
