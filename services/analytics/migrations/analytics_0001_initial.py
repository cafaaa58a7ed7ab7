"""Figures by quarters of an hour, what they are counted by, and which of them changed lately."""

from paykit.postgres import runtime_schema

revision = "analytics_0001"
down_revision = None
branch_labels = None

_TABLES = """
-- Rows are added to all day long: there is room for that beside them, and no index on what is added to.
CREATE TABLE figure (
    merchant_id text COLLATE "C" NOT NULL,
    currency_code text COLLATE "C" NOT NULL CHECK (currency_code ~ '^[A-Z]{3}$'),
    quarter_time timestamptz NOT NULL CHECK (extract(epoch FROM quarter_time) % 900 = 0),
    channel text COLLATE "C" NOT NULL,
    method text COLLATE "C" NOT NULL,
    measure text COLLATE "C" NOT NULL,
    reason text COLLATE "C" NOT NULL CHECK (length(reason) <= 64),
    stripe bigint NOT NULL CHECK (stripe >= 0),
    count bigint NOT NULL CHECK (count >= 1),
    amount_minor numeric(38, 0) NOT NULL,
    duration_ms numeric(38, 0) NOT NULL CHECK (duration_ms >= 0),
    PRIMARY KEY (merchant_id, currency_code, quarter_time, channel, method, measure, reason, stripe)
) WITH (fillfactor = 50);
-- Questions about all merchants.
CREATE INDEX figure_quarter ON figure (quarter_time);

CREATE TABLE payment_origin (
    payment_id text COLLATE "C" PRIMARY KEY,
    method text COLLATE "C" NOT NULL,
    create_time timestamptz NOT NULL,
    captured boolean NOT NULL
) WITH (fillfactor = 75);

CREATE TABLE merchant (
    merchant_id text COLLATE "C" PRIMARY KEY,
    status text COLLATE "C" NOT NULL,
    aggregate_version bigint NOT NULL,
    time_zone text COLLATE "C" NOT NULL
);

-- By the transaction that changed them, so that a reader finds what its last snapshot did not see.
CREATE TABLE figure_change (
    transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id(),
    merchant_id text COLLATE "C" NOT NULL,
    currency_code text COLLATE "C" NOT NULL,
    quarter_time timestamptz NOT NULL,
    change_time timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (transaction_id, merchant_id, currency_code, quarter_time)
);
CREATE INDEX figure_change_time ON figure_change (change_time);
"""


def upgrade() -> None:
    runtime_schema.create_v1()
    runtime_schema.run_script(_TABLES)
