"""The rules and their documentation."""

import re

from paykit.events import schema_files
from paykit.events.violation import Rule, Violation


def test_every_rule_is_documented_and_no_other() -> None:
    text = (schema_files.schema_root().parents[1] / "docs" / "events.md").read_text()
    table = text[text.index("| rule |") :]
    first_cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert sorted(re.findall(r"`([A-Z_]+)`", "".join(first_cells))) == sorted(Rule)


def test_a_violation_names_file_field_and_rule() -> None:
    violation = Violation(
        file="a/B/1.avsc", field="entries.side", rule=Rule.DOC_MISSING, message="the field has no doc"
    )
    assert str(violation) == "a/B/1.avsc: entries.side: DOC_MISSING: the field has no doc"
    whole = Violation(file="a/B/1.avsc", field="", rule=Rule.AVRO_INVALID, message="not JSON")
    assert str(whole) == "a/B/1.avsc: AVRO_INVALID: not JSON"
