"""The table `contradiction` of a service that calls channels; its SQL is in `contradiction_table`."""

from alembic import op

from paykit.postgres import runtime_schema
from paykit.reasons import stated_reason_schema

_V1 = """
CREATE TABLE contradiction (
    contradiction_id text COLLATE "C" PRIMARY KEY,
    aggregate_id text COLLATE "C" NOT NULL REFERENCES {aggregate},
    subject_id text COLLATE "C" NOT NULL,
    attempt_id text COLLATE "C",
    merchant_id text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('LATE_SUCCESS', 'LATE_FAILURE', 'SECOND_REFERENCE', 'OTHER_AMOUNT',
        'REVERSED', 'RETURNED', 'DECISION_OVERTURNED')),
    amount_minor bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 9007199254740991),
    currency_code text COLLATE "C" NOT NULL CHECK (currency_code ~ '^[A-Z]{{3}}$'),
    suspense_minor bigint NOT NULL CHECK (abs(suspense_minor) <= amount_minor),
    recorded text COLLATE "C" NOT NULL,
    reported text COLLATE "C" NOT NULL,
    channel_reference text COLLATE "C",
    needs_decision boolean NOT NULL,
    state text COLLATE "C" NOT NULL CHECK (state IN ('AUTOMATIC', 'OPEN', 'PROPOSED', 'RESOLVED')),
    resolution text COLLATE "C"
        CHECK (resolution IN ('NONE', 'CHARGE_MERCHANT', 'WRITE_OFF', 'ACCEPT', 'RETRY', 'EVIDENCE')),
    proposer text COLLATE "C",
    decider text COLLATE "C",
    reason text CHECK (length(reason) BETWEEN 1 AND 500),
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL CHECK (update_time >= create_time),
    CONSTRAINT contradiction_open_needs_decision CHECK (
        CASE state WHEN 'AUTOMATIC' THEN NOT needs_decision WHEN 'OPEN' THEN needs_decision ELSE true END),
    CONSTRAINT contradiction_resolution_is_proposed CHECK (
        CASE WHEN state IN ('AUTOMATIC', 'OPEN') THEN resolution IS NULL AND proposer IS NULL AND reason IS NULL
        WHEN resolution = 'EVIDENCE' THEN state = 'RESOLVED' AND proposer IS NULL AND reason IS NULL
        ELSE resolution IS NOT NULL AND proposer IS NOT NULL AND reason IS NOT NULL END),
    CONSTRAINT contradiction_four_eyes CHECK (
        decider IS NULL OR lower(trim(decider)) <> lower(trim(proposer))),
    CONSTRAINT contradiction_decided_by_somebody CHECK (
        (decider IS NOT NULL) = (state = 'RESOLVED' AND resolution <> 'EVIDENCE')),
    CONSTRAINT contradiction_over_holds_nothing CHECK (state <> 'RESOLVED' OR suspense_minor = 0)
) WITH (fillfactor = 75);
-- The list across merchants, that of one merchant, and what people are waited for; there are few, so it costs little.
CREATE INDEX contradiction_list ON contradiction (create_time, contradiction_id);
CREATE INDEX contradiction_merchant ON contradiction (merchant_id, create_time, contradiction_id);
CREATE INDEX contradiction_unresolved ON contradiction (kind, create_time) WHERE state IN ('OPEN', 'PROPOSED');
CREATE INDEX contradiction_aggregate ON contradiction (aggregate_id, contradiction_id);
"""
_CHANGES_V1 = (
    ("AUTOMATIC", "OPEN"),
    ("AUTOMATIC", "PROPOSED"),
    ("AUTOMATIC", "RESOLVED"),
    ("OPEN", "PROPOSED"),
    ("OPEN", "RESOLVED"),
    ("PROPOSED", "AUTOMATIC"),
    ("PROPOSED", "OPEN"),
    ("PROPOSED", "RESOLVED"),
)


def upgrade_v2() -> None:
    """Keep why the latest proposal was rejected."""
    stated_reason_schema.add_v1("contradiction")


def create_v1(aggregate: str) -> None:
    """Make the table's first version in the schema being migrated; the service's role may delete nothing of it.

    Args:
        aggregate: The table under whose rows' lock contradictions change, such as `payment`.
    """
    runtime_schema.run_script(_V1.format(aggregate=aggregate))
    runtime_schema.guard_states("contradiction", _CHANGES_V1)
    op.execute(runtime_schema.revoke("contradiction", "DELETE"))
