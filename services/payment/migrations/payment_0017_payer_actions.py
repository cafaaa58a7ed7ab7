"""Payments that wait for their payer: what is to be done, until when, and that it is called off."""

from paykit.postgres import runtime_schema
from paykit.postgres.upgrades import schema_changes

revision = "payment_0017"
down_revision = "payment_0016"
branch_labels = None
expands = True

# What the payer has to do is secret, and so stands here only while there is something to be done.
_COLUMNS = """
ALTER TABLE payment
    ADD COLUMN return_url text,
    ADD COLUMN next_action text,
    ADD COLUMN action_expire_time timestamptz,
    ADD COLUMN calling_off text COLLATE "C",
    DROP CONSTRAINT payment_state_check,
    DROP CONSTRAINT payment_cancel_reason_check;
ALTER TABLE attempt
    ADD COLUMN action_digest text COLLATE "C",
    DROP CONSTRAINT attempt_state_check;
"""

_RULES = (
    (
        *("payment", "payment_state_check"),
        "CHECK (state IN ('CREATED', 'AUTHORIZED', 'SUCCEEDED', 'FAILED', 'CANCELLED', 'UNKNOWN', 'REQUIRES_ACTION'))",
    ),
    (
        *("payment", "payment_cancel_reason_check"),
        "CHECK (cancel_reason IN ('REQUESTED', 'AUTHORIZATION_EXPIRED', 'ORDER_CLOSED', 'ACTION_EXPIRED'))",
    ),
    ("payment", "payment_return_url_bounded", "CHECK (length(return_url) BETWEEN 1 AND 2048)"),
    (
        *("payment", "payment_shows_what_is_to_be_done"),
        (
            "CHECK ((state = 'REQUIRES_ACTION' AND calling_off IS NULL) = (next_action IS NOT NULL)"
            " AND (next_action IS NULL) = (action_expire_time IS NULL))"
        ),
    ),
    (
        *("payment", "payment_is_called_off_for_a_reason"),
        (
            "CHECK (calling_off IS NULL OR calling_off IN ('ASKED', 'REFUSED') AND cancel_reason IS NOT NULL"
            " AND state IN ('REQUIRES_ACTION', 'UNKNOWN', 'AUTHORIZED'))"
        ),
    ),
    (
        *("attempt", "attempt_state_check"),
        "CHECK (state IN ('PENDING', 'STARTED', 'SUCCEEDED', 'FAILED', 'UNKNOWN', 'ACTION_REQUIRED'))",
    ),
    (
        *("attempt", "attempt_waits_for_what_was_told"),
        "CHECK (state <> 'ACTION_REQUIRED' OR action_digest IS NOT NULL AND action IN ('CHARGE', 'AUTHORIZE'))",
    ),
)
"""Table, name and rule of what holds from now on; the next migration checks it on the rows that were there."""

# Closed under following one change by another, as a batch writes a row once.
_ENDS = ("SUCCEEDED", "FAILED")
_STATES = {
    "payment": [
        *(("CREATED", state) for state in ("AUTHORIZED", "CANCELLED", "UNKNOWN", "REQUIRES_ACTION", *_ENDS)),
        *(("AUTHORIZED", state) for state in ("SUCCEEDED", "CANCELLED", "FAILED")),
        *(("UNKNOWN", state) for state in ("AUTHORIZED", "CANCELLED", "REQUIRES_ACTION", *_ENDS)),
        *(("REQUIRES_ACTION", state) for state in ("AUTHORIZED", "CANCELLED", "UNKNOWN", *_ENDS)),
        *((state, "SUCCEEDED") for state in ("FAILED", "CANCELLED")),
    ],
    "attempt": [
        *(("PENDING", state) for state in ("STARTED", *_ENDS)),
        *(("STARTED", state) for state in ("UNKNOWN", "ACTION_REQUIRED", *_ENDS)),
        *(("UNKNOWN", state) for state in ("ACTION_REQUIRED", *_ENDS)),
        *(("ACTION_REQUIRED", state) for state in ("UNKNOWN", *_ENDS)),
        ("SUCCEEDED", "FAILED"),
        ("FAILED", "SUCCEEDED"),
    ],
}


def upgrade() -> None:
    runtime_schema.run_script(_COLUMNS)
    for table, name, rule in _RULES:
        schema_changes.add_constraint(table, name, rule)
    for table, allowed in _STATES.items():
        runtime_schema.guard_states(table, allowed)
