"""Amounts and counts of a payment that are 0 may stand as NULL, which takes no room; most are 0 for good.

Every build from this one on reads NULL as 0. Zeros are still written until payment_0024. The rules are the same as
before, with NULL for 0: where a comparison with NULL would let anything pass, it is made 0.
"""

from alembic import op

from paykit.postgres import runtime_schema
from paykit.postgres.upgrades import schema_changes

revision = "payment_0021"
down_revision = "payment_0020"
branch_labels = None
expands = True

_ZEROS = (
    *("authorized_minor", "capturing_minor", "cancelling_minor", "cancelled_minor", "captured_minor"),
    *("reversed_minor", "refunded_minor", "unbacked_minor", "refunding_minor", "disputed_minor", "overdisputed_minor"),
    *("lost_minor", "fee_minor", "fee_returned_minor", "fee_returning_minor", "capture_count", "metadata_version"),
)

_RULES = {
    "payment_authorized_within_amount": """
        authorized_minor BETWEEN 0 AND amount_minor AND (state <> 'AUTHORIZED' OR coalesce(authorized_minor, 0) > 0)""",
    # A charge is never authorized apart from its capture.
    "payment_taken_within_authorized": """
        CASE capture_mode WHEN 'MANUAL' THEN
            coalesce(captured_minor, 0) + coalesce(capturing_minor, 0) + coalesce(cancelling_minor, 0)
                <= coalesce(authorized_minor, 0)
        ELSE coalesce(greatest(authorized_minor, capturing_minor, cancelling_minor), 0) = 0 END""",
    "payment_taken_within_amount": """
        coalesce(least(capturing_minor, cancelling_minor, cancelled_minor), 0) >= 0
        AND coalesce(captured_minor, 0) - coalesce(reversed_minor, 0) + coalesce(capturing_minor, 0)
            + coalesce(cancelling_minor, 0) + coalesce(cancelled_minor, 0) <= amount_minor""",
    "payment_no_void_beside_a_capture": "least(coalesce(capturing_minor, 0), coalesce(cancelling_minor, 0)) = 0",
    "payment_cancelled_has_reason": """
        coalesce(greatest(cancelling_minor, cancelled_minor), 0) = 0 OR cancel_reason IS NOT NULL""",
    "payment_cancelled_has_ended": """
        CASE state WHEN 'CANCELLED' THEN coalesce(cancelled_minor, 0) > 0
        ELSE coalesce(cancelled_minor, 0) = 0 OR state = 'SUCCEEDED' END""",
    "payment_expires_while_authorized": """
        expire_time IS NULL OR state IN ('AUTHORIZED', 'SUCCEEDED') AND coalesce(authorized_minor, 0) > 0""",
    "payment_captured_is_succeeded": "(state = 'SUCCEEDED') = (coalesce(captured_minor, 0) > 0)",
    "payment_captured_has_terms": """
        (coalesce(captured_minor, 0) > 0) = (capture_id IS NOT NULL AND fee_plan_version IS NOT NULL)""",
    "payment_captured_within_amount": """
        coalesce(captured_minor, 0) >= 0
        AND coalesce(captured_minor, 0) - coalesce(reversed_minor, 0) <= amount_minor""",
    "payment_reversed_was_captured": "coalesce(reversed_minor, 0) BETWEEN 0 AND coalesce(captured_minor, 0)",
    # What is out with no capture behind it stands in suspense.
    "payment_spent_within_captured": """
        coalesce(least(refunded_minor, refunding_minor, disputed_minor, unbacked_minor), 0) >= 0
        AND coalesce(refunded_minor, 0) - coalesce(unbacked_minor, 0) + coalesce(refunding_minor, 0)
            + coalesce(disputed_minor, 0) <= coalesce(captured_minor, 0)""",
    "payment_lost_was_disputed": "coalesce(lost_minor, 0) BETWEEN 0 AND coalesce(disputed_minor, 0)",
    "payment_fee_within_captured": "coalesce(fee_minor, 0) BETWEEN 0 AND coalesce(captured_minor, 0)",
    "payment_fee_given_within_fee": """
        coalesce(least(fee_returned_minor, fee_returning_minor), 0) >= 0
        AND coalesce(fee_returned_minor, 0) + coalesce(fee_returning_minor, 0) <= coalesce(fee_minor, 0)""",
}
"""By name; the next migration checks them on the rows that were there, which the former ones held to the same."""


def upgrade() -> None:
    changes = [
        *(f"DROP CONSTRAINT {name}" for name in _RULES),
        *(f"ALTER COLUMN {column} DROP NOT NULL" for column in _ZEROS),
    ]
    op.execute(f"ALTER TABLE payment {', '.join(changes)}")
    for name, rule in _RULES.items():
        schema_changes.add_constraint("payment", name, f"CHECK ({rule})")
    # An attempt's changes all touch columns of its indexes, so none of them needs room on the page of the row.
    runtime_schema.run_script("ALTER TABLE attempt SET (fillfactor = 100)")
