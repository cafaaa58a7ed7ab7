"""The rules that ship: what counts where no rule set was activated."""

from pathlib import Path

from services.reconciliation.domain.rule_set import MatchingRule, Reference, RuleKind, Rules, parse
from services.reconciliation.store import default_rules

FILE = Path(__file__).parents[3] / "services/reconciliation/rules/default.toml"


def test_the_file_says_the_three_references_and_ids_in_texts_exactly_and_no_fee() -> None:
    assert parse(FILE.read_text(encoding="utf-8")) == Rules(
        rules=(
            MatchingRule(kind=RuleKind.REFERENCE, by=Reference.CHANNEL_REFERENCE),
            MatchingRule(kind=RuleKind.REFERENCE, by=Reference.ATTEMPT_ID),
            MatchingRule(kind=RuleKind.REFERENCE, by=Reference.RELATED_NO),
            MatchingRule(kind=RuleKind.TEXT),
        ),
        channel_hours=72,
        internal_minutes=60,
        fee=None,
        conversion_tolerance_minor=1,
    )


def test_what_is_read_is_the_file() -> None:
    assert default_rules() == FILE.read_text(encoding="utf-8")
