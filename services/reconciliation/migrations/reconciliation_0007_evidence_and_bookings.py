"""Words of channels about calls that nobody made, and which transactions of the ledger booked which movements."""

from paykit.postgres import runtime_schema

revision = "reconciliation_0007"
down_revision = "reconciliation_0006"
branch_labels = None

_DISCREPANCY = """
ALTER TABLE discrepancy
    DROP CONSTRAINT discrepancy_kind_check,
    ADD CONSTRAINT discrepancy_kind_check CHECK (kind IN ('AMOUNT_MISMATCH', 'CURRENCY_MISMATCH', 'FEE_MISMATCH',
        'DUPLICATE', 'MISSING_INTERNAL', 'MISSING_CHANNEL', 'CONTRADICTED', 'NOT_BOOKED', 'BOOKED_ONLY')),
    ADD COLUMN evidence_id text COLLATE "C";
-- One that is open; when people have taken the line that told of it as evidence in vain, another.
CREATE UNIQUE INDEX discrepancy_of_evidence ON discrepancy (evidence_id)
    WHERE evidence_id IS NOT NULL AND state = 'OPEN';
CREATE INDEX discrepancy_of_evidence_ever ON discrepancy (evidence_id) WHERE evidence_id IS NOT NULL;
"""

_EVIDENCE = """
-- Projection of payment.events and withdrawal.events.
CREATE TABLE unattributed_evidence (
    evidence_id text COLLATE "C" PRIMARY KEY,
    attempt_id text COLLATE "C" NOT NULL,
    outcome text COLLATE "C" NOT NULL,
    channel text COLLATE "C" NOT NULL, -- Empty when not known.
    channel_reference text COLLATE "C",
    amount_minor bigint,
    currency_code text COLLATE "C",
    occurred_at timestamptz NOT NULL,
    correlation_id text COLLATE "C" NOT NULL
);

-- Evidence of which nothing else tells, listed or told by a line that is.
CREATE TABLE open_evidence (
    evidence_id text COLLATE "C" PRIMARY KEY
);
"""

_BOOKINGS = """
-- Projection: what moved money at channels, as payment.events and withdrawal.events tell it, and the transactions of
-- accounting.events that booked it; either may come first.
CREATE TABLE movement_booking (
    transaction_type text COLLATE "C" NOT NULL,
    related_no text COLLATE "C" NOT NULL,
    told boolean NOT NULL,
    movement_id text COLLATE "C", -- Null also where something was told that moved no money at a channel.
    transaction_id text COLLATE "C",
    PRIMARY KEY (transaction_type, related_no)
);
CREATE INDEX movement_booking_movement ON movement_booking (movement_id) WHERE movement_id IS NOT NULL;

-- What only one side has told so far; gone when the other has.
CREATE TABLE open_booking (
    transaction_type text COLLATE "C" NOT NULL,
    related_no text COLLATE "C" NOT NULL,
    movement_id text COLLATE "C",
    transaction_id text COLLATE "C",
    operation text COLLATE "C",
    channel text COLLATE "C" NOT NULL,
    channel_reference text COLLATE "C",
    attempt_id text COLLATE "C",
    root_reference text COLLATE "C" NOT NULL,
    merchant_id text COLLATE "C",
    amount_minor bigint NOT NULL,
    currency_code text COLLATE "C" NOT NULL,
    occurred_at timestamptz NOT NULL,
    correlation_id text COLLATE "C" NOT NULL,
    arrive_time timestamptz NOT NULL DEFAULT now(), -- Real time: what it waits for is work of machines.
    listed boolean NOT NULL DEFAULT false,
    PRIMARY KEY (transaction_type, related_no)
);
CREATE INDEX open_booking_due ON open_booking (arrive_time) WHERE NOT listed;
CREATE INDEX open_booking_listed ON open_booking (transaction_type, related_no) WHERE listed;
"""


def upgrade() -> None:
    for script in (_DISCREPANCY, _EVIDENCE, _BOOKINGS):
        runtime_schema.run_script(script)
