"""Reserves in part; negative balances and their recovery."""

from alembic import op

from paykit.postgres import runtime_schema

revision = "settlement_0004"
down_revision = "settlement_0003"
branch_labels = None
depends_on = None

_CHANGES = """
-- released_minor and consumed_minor are what the ledger booked of the reserve; the rest of it is held still.
ALTER TABLE settlement
    ADD COLUMN reserve_due_at timestamptz,
    ADD COLUMN released_minor bigint NOT NULL DEFAULT 0 CHECK (released_minor >= 0),
    ADD COLUMN consumed_minor bigint NOT NULL DEFAULT 0 CHECK (consumed_minor >= 0),
    DROP CONSTRAINT settlement_reserve;
DROP TRIGGER settlement_closed_for_good ON settlement;
UPDATE settlement SET released_minor = reserve_held_minor
    WHERE reserve_released_at IS NOT NULL AND reserve_refusal IS NULL;
UPDATE settlement SET reserve_released_at = NULL WHERE reserve_refusal IS NOT NULL;
UPDATE settlement SET reserve_due_at = reserve_release_at WHERE released_minor < reserve_held_minor;
ALTER TABLE settlement
    ADD CONSTRAINT settlement_reserve CHECK (
        (reserve_held_minor > 0) = (reserve_release_at IS NOT NULL)
        AND released_minor + consumed_minor <= reserve_held_minor
        AND (released_minor + consumed_minor = 0 OR state = 'COMPLETED')
        AND (released_minor > 0) = (reserve_released_at IS NOT NULL)
        AND (reserve_due_at IS NULL OR released_minor + consumed_minor < reserve_held_minor)
        AND (reserve_refusal IS NULL OR reserve_held_minor > 0));
DROP INDEX settlement_reserve;
CREATE INDEX settlement_reserve ON settlement (reserve_due_at)
    WHERE state = 'COMPLETED' AND reserve_due_at IS NOT NULL;
CREATE INDEX settlement_reserve_held ON settlement (merchant_id, currency_code, close_time)
    WHERE state = 'COMPLETED' AND released_minor + consumed_minor < reserve_held_minor;

ALTER TABLE item
    DROP CONSTRAINT item_kind_check,
    ADD CONSTRAINT item_kind_check CHECK (kind IN ('PAYMENT', 'REFUND', 'DISPUTE', 'RESERVE_RELEASE', 'ADJUSTMENT',
        'RECOVERY', 'RESERVE_CONSUMPTION'));

-- What the ledger was asked to move between accounts of a merchant, and what it answered. One way to a balance at a
-- time: a second recovery would count on funds that the first may have taken.
CREATE TABLE fund_transfer (
    transfer_id text COLLATE "C" PRIMARY KEY CHECK (transfer_id ~ '^(rec|rsc|rsr)_[0-9a-f]{32}$'),
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('RECOVERY', 'CONSUMPTION', 'RELEASE')),
    merchant_id text COLLATE "C" NOT NULL,
    currency_code text COLLATE "C" NOT NULL CHECK (currency_code ~ '^[A-Z]{3}$'),
    settlement_id text COLLATE "C" REFERENCES settlement,
    settlement_minor bigint NOT NULL CHECK (settlement_minor >= 0),
    receivable_minor bigint NOT NULL CHECK (receivable_minor >= 0),
    state text COLLATE "C" NOT NULL CHECK (state IN ('REQUESTED', 'BOOKED', 'REFUSED')),
    refusal text COLLATE "C",
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL,
    CHECK (settlement_minor + receivable_minor BETWEEN 1 AND 9007199254740991),
    CHECK ((kind = 'RECOVERY') = (settlement_id IS NULL)),
    CHECK (kind = 'RECOVERY' OR receivable_minor = 0),
    CHECK ((state = 'REFUSED') = (refusal IS NOT NULL))
);
CREATE UNIQUE INDEX fund_transfer_recovering ON fund_transfer (merchant_id, currency_code)
    WHERE state = 'REQUESTED' AND kind <> 'RELEASE';
CREATE UNIQUE INDEX fund_transfer_of_reserve ON fund_transfer (settlement_id) WHERE state = 'REQUESTED';

-- A projection of accounting.events: what each transaction did to the balances that settlements do not say.
CREATE TABLE balance_change (
    transaction_id text COLLATE "C" NOT NULL,
    merchant_id text COLLATE "C" NOT NULL,
    currency_code text COLLATE "C" NOT NULL,
    available_minor bigint NOT NULL,
    reserve_minor bigint NOT NULL,
    receivable_minor bigint NOT NULL,
    PRIMARY KEY (transaction_id, merchant_id)
);
-- And its sums.
CREATE TABLE merchant_balance (
    merchant_id text COLLATE "C" NOT NULL,
    currency_code text COLLATE "C" NOT NULL,
    available_minor numeric(38, 0) NOT NULL,
    reserve_minor numeric(38, 0) NOT NULL,
    receivable_minor numeric(38, 0) NOT NULL,
    PRIMARY KEY (merchant_id, currency_code)
) WITH (fillfactor = 50);
CREATE INDEX merchant_balance_owing ON merchant_balance (merchant_id, currency_code) WHERE receivable_minor > 0;

-- Whose balances are to be looked at, and since when they are negative. aggregate_version counts the events of that.
CREATE TABLE balance_watch (
    merchant_id text COLLATE "C" NOT NULL,
    currency_code text COLLATE "C" NOT NULL,
    due_at timestamptz,
    negative_since timestamptz,
    aggregate_version bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (merchant_id, currency_code)
) WITH (fillfactor = 50);
CREATE INDEX balance_watch_due ON balance_watch (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX balance_watch_negative ON balance_watch (merchant_id, currency_code) WHERE negative_since IS NOT NULL;
"""

_TRANSFER_STATES = (("REQUESTED", "BOOKED"), ("REQUESTED", "REFUSED"))

# As before, but a reserve may be held longer.
_CLOSED_FOR_GOOD_TRIGGER = """
CREATE TRIGGER settlement_closed_for_good BEFORE UPDATE ON settlement FOR EACH ROW
WHEN (OLD.state <> 'PENDING' AND ((
    OLD.merchant_id, OLD.currency_code, OLD.trigger, OLD.cut_off_at, OLD.item_count, OLD.payments_minor,
    OLD.refunds_minor, OLD.fees_minor, OLD.disputes_minor, OLD.reserve_released_minor, OLD.adjustments_minor,
    OLD.reserve_held_minor, OLD.close_time, OLD.override_reason
) IS DISTINCT FROM (
    NEW.merchant_id, NEW.currency_code, NEW.trigger, NEW.cut_off_at, NEW.item_count, NEW.payments_minor,
    NEW.refunds_minor, NEW.fees_minor, NEW.disputes_minor, NEW.reserve_released_minor, NEW.adjustments_minor,
    NEW.reserve_held_minor, NEW.close_time, NEW.override_reason
) OR NEW.reserve_release_at < OLD.reserve_release_at)) EXECUTE FUNCTION settlement_closed_for_good()
"""


def upgrade() -> None:
    runtime_schema.run_script(_CHANGES)
    runtime_schema.guard_states("fund_transfer", _TRANSFER_STATES)
    op.execute(_CLOSED_FOR_GOOD_TRIGGER)
    op.execute(runtime_schema.revoke("fund_transfer", "DELETE", "TRUNCATE"))
