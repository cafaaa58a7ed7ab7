"""The rules of payments that wait for their payer, checked on the rows that were there before."""

from paykit.postgres.upgrades import schema_changes

revision = "payment_0018"
down_revision = "payment_0017"
branch_labels = None
expands = True

_RULES = {
    "payment": (
        "payment_state_check",
        "payment_cancel_reason_check",
        "payment_return_url_bounded",
        "payment_shows_what_is_to_be_done",
        "payment_is_called_off_for_a_reason",
    ),
    "attempt": ("attempt_state_check", "attempt_waits_for_what_was_told"),
}


def upgrade() -> None:
    for table, names in _RULES.items():
        for name in names:
            schema_changes.validate_constraint(table, name)
