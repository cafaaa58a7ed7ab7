"""The rules of payments whose zeros are left out, checked on the rows that were there before."""

from paykit.postgres.upgrades import schema_changes

revision = "payment_0022"
down_revision = "payment_0021"
branch_labels = None
expands = True

_RULES = (
    *("payment_authorized_within_amount", "payment_taken_within_authorized", "payment_taken_within_amount"),
    *("payment_no_void_beside_a_capture", "payment_cancelled_has_reason", "payment_cancelled_has_ended"),
    *("payment_expires_while_authorized", "payment_captured_is_succeeded", "payment_captured_has_terms"),
    *("payment_captured_within_amount", "payment_reversed_was_captured", "payment_spent_within_captured"),
    *("payment_lost_was_disputed", "payment_fee_within_captured", "payment_fee_given_within_fee"),
)


def upgrade() -> None:
    for name in _RULES:
        schema_changes.validate_constraint("payment", name)
