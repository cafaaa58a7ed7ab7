"""Settlements, their items, and the policies of merchants."""

from alembic import op

from paykit.postgres import runtime_schema

revision = "settlement_0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = """
-- A projection of merchant.events: when and how each merchant is settled. thresholds is JSON, amounts by currency.
CREATE TABLE merchant (
    merchant_id text COLLATE "C" PRIMARY KEY,
    status text COLLATE "C" NOT NULL,
    schedule text COLLATE "C" NOT NULL,
    cut_off_time text COLLATE "C",
    cut_off_weekday smallint,
    time_zone text COLLATE "C" NOT NULL,
    delay_days smallint NOT NULL,
    thresholds text COLLATE "C" NOT NULL,
    reserve_basis_points integer NOT NULL,
    reserve_days integer NOT NULL,
    aggregate_version bigint NOT NULL
);

-- While it is PENDING a settlement is updated with every batch of its merchant's transactions: half of each page is
-- left free, so that updates stay on the page and touch no index. Sums may exceed a bigint until it is closed.
CREATE TABLE settlement (
    settlement_id text COLLATE "C" PRIMARY KEY CHECK (settlement_id ~ '^stl_[0-9a-f]{32}$'),
    merchant_id text COLLATE "C" NOT NULL,
    currency_code text COLLATE "C" NOT NULL CHECK (currency_code ~ '^[A-Z]{3}$'),
    state text COLLATE "C" NOT NULL CHECK (state IN ('PENDING', 'CREATED', 'COMPLETED', 'FAILED', 'CARRIED')),
    trigger text COLLATE "C" CHECK (trigger IN ('REQUEST', 'THRESHOLD', 'CUT_OFF')),
    cut_off_at timestamptz,
    due_at timestamptz,
    noticed_at timestamptz,
    noticed_offsets bigint[],
    item_count bigint NOT NULL CHECK (item_count >= 0),
    payments_minor numeric(38, 0) NOT NULL,
    refunds_minor numeric(38, 0) NOT NULL,
    fees_minor numeric(38, 0) NOT NULL,
    disputes_minor numeric(38, 0) NOT NULL,
    reserve_released_minor numeric(38, 0) NOT NULL,
    adjustments_minor numeric(38, 0) NOT NULL,
    total_minor numeric(38, 0) NOT NULL GENERATED ALWAYS AS (
        payments_minor + refunds_minor + fees_minor + disputes_minor + reserve_released_minor + adjustments_minor
    ) STORED,
    reserve_held_minor bigint NOT NULL DEFAULT 0,
    reserve_release_at timestamptz,
    reserve_released_at timestamptz,
    reserve_refusal text COLLATE "C",
    holder_id text COLLATE "C" NOT NULL,
    failure_reason text COLLATE "C",
    transaction_id text COLLATE "C",
    correlation_id text COLLATE "C",
    aggregate_version bigint NOT NULL DEFAULT 0,
    create_time timestamptz NOT NULL,
    close_time timestamptz,
    update_time timestamptz NOT NULL,
    CONSTRAINT settlement_closed CHECK (
        (state IN ('PENDING', 'CARRIED')) = (close_time IS NULL)
        AND (close_time IS NULL) = (trigger IS NULL)
        AND (close_time IS NULL) = (correlation_id IS NULL)
        AND (close_time IS NULL) = (aggregate_version = 0)),
    CONSTRAINT settlement_amounts CHECK (
        CASE WHEN close_time IS NULL THEN reserve_held_minor = 0
        ELSE item_count > 0 AND total_minor BETWEEN 1 AND 9007199254740991
            AND reserve_held_minor BETWEEN 0 AND total_minor
        END),
    CONSTRAINT settlement_holder CHECK ((state IN ('CARRIED', 'FAILED')) = (holder_id <> settlement_id)),
    CONSTRAINT settlement_carried CHECK (state <> 'CARRIED' OR item_count = 0 AND total_minor = 0),
    CONSTRAINT settlement_due CHECK (state = 'PENDING' OR due_at IS NULL AND noticed_at IS NULL),
    CONSTRAINT settlement_cut_off CHECK (trigger <> 'CUT_OFF' OR cut_off_at IS NOT NULL),
    CONSTRAINT settlement_failure CHECK ((state = 'FAILED') = (failure_reason IS NOT NULL)),
    CONSTRAINT settlement_booking CHECK ((state = 'COMPLETED') = (transaction_id IS NOT NULL)),
    CONSTRAINT settlement_reserve CHECK (
        (reserve_held_minor > 0) = (reserve_release_at IS NOT NULL)
        AND (reserve_released_at IS NULL OR state = 'COMPLETED' AND reserve_held_minor > 0)
        AND (reserve_refusal IS NULL OR reserve_released_at IS NOT NULL))
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
CREATE UNIQUE INDEX settlement_open ON settlement (merchant_id, currency_code, cut_off_at) NULLS NOT DISTINCT
    WHERE state = 'PENDING';
CREATE INDEX settlement_due ON settlement (due_at) WHERE state = 'PENDING' AND due_at IS NOT NULL;
CREATE INDEX settlement_unbooked ON settlement (merchant_id, currency_code) WHERE state IN ('PENDING', 'CREATED');
CREATE INDEX settlement_reserve ON settlement (reserve_release_at)
    WHERE state = 'COMPLETED' AND reserve_held_minor > 0 AND reserve_released_at IS NULL;
CREATE INDEX settlement_merchant ON settlement (merchant_id, create_time, settlement_id);
CREATE INDEX settlement_holder ON settlement (holder_id);

-- What a transaction did to a merchant's settlement account. settlement_id is the settlement that it came into, whose
-- holder_id says where it counts. No foreign key, which would cost a look-up for each of a million rows: `paystream
-- settlement verify` checks what it would.
CREATE TABLE item (
    transaction_id text COLLATE "C" NOT NULL,
    merchant_id text COLLATE "C" NOT NULL,
    settlement_id text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL
        CHECK (kind IN ('PAYMENT', 'REFUND', 'DISPUTE', 'RESERVE_RELEASE', 'ADJUSTMENT')),
    transaction_type text COLLATE "C" NOT NULL,
    related_no text COLLATE "C" NOT NULL,
    root_reference text COLLATE "C" NOT NULL,
    effective_at timestamptz NOT NULL,
    amount_minor bigint NOT NULL,
    fee_minor bigint NOT NULL,
    PRIMARY KEY (transaction_id, merchant_id),
    CHECK (amount_minor <> 0 OR fee_minor <> 0)
);
CREATE INDEX item_settlement ON item (settlement_id, effective_at, transaction_id);
"""

_STATES = (("PENDING", "CREATED"), ("PENDING", "CARRIED"), ("CREATED", "COMPLETED"), ("CREATED", "FAILED"))

# What a closed settlement consists of was told to the ledger and to the merchant.
_CLOSED_FOR_GOOD = """
CREATE FUNCTION settlement_closed_for_good() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'settlement % is closed', OLD.settlement_id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'settlement_closed_for_good';
END $$
"""

_CLOSED_FOR_GOOD_TRIGGER = """
CREATE TRIGGER settlement_closed_for_good BEFORE UPDATE ON settlement FOR EACH ROW
WHEN (OLD.state <> 'PENDING' AND (
    OLD.merchant_id, OLD.currency_code, OLD.trigger, OLD.cut_off_at, OLD.item_count, OLD.payments_minor,
    OLD.refunds_minor, OLD.fees_minor, OLD.disputes_minor, OLD.reserve_released_minor, OLD.adjustments_minor,
    OLD.reserve_held_minor, OLD.reserve_release_at, OLD.close_time
) IS DISTINCT FROM (
    NEW.merchant_id, NEW.currency_code, NEW.trigger, NEW.cut_off_at, NEW.item_count, NEW.payments_minor,
    NEW.refunds_minor, NEW.fees_minor, NEW.disputes_minor, NEW.reserve_released_minor, NEW.adjustments_minor,
    NEW.reserve_held_minor, NEW.reserve_release_at, NEW.close_time
)) EXECUTE FUNCTION settlement_closed_for_good()
"""


def upgrade() -> None:
    runtime_schema.create_v1()
    runtime_schema.run_script(_TABLES)
    runtime_schema.guard_states("settlement", _STATES)
    op.execute(_CLOSED_FOR_GOOD)
    op.execute(_CLOSED_FOR_GOOD_TRIGGER)
    op.execute(runtime_schema.revoke("settlement", "DELETE", "TRUNCATE"))
    op.execute(runtime_schema.revoke("item", "UPDATE", "DELETE", "TRUNCATE"))
