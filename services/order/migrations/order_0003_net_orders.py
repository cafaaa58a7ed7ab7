"""Orders count net; what payments tell stands in one table; expiry waits until payment.events are applied."""

from paykit.postgres import runtime_schema

revision = "order_0003"
down_revision = "order_0002"
branch_labels = None

_TABLES = """
ALTER TABLE "order" DROP CONSTRAINT order_refunded_within_paid, DROP CONSTRAINT order_open_until_paid;
ALTER TABLE "order" RENAME COLUMN paid_minor TO captured_minor;
ALTER TABLE "order"
    ADD COLUMN lost_minor bigint NOT NULL DEFAULT 0,
    ADD COLUMN known_returned_minor bigint NOT NULL DEFAULT 0 CHECK (known_returned_minor >= 0),
    -- What was paid once stays PAID, and an order can be settled below its total.
    ADD CONSTRAINT order_open_until_paid CHECK (state <> 'CREATED'
        OR captured_minor - greatest(refunded_minor + lost_minor, known_returned_minor) < total_minor);

-- What each event of a payment adds to the amounts of its order. No keys lead to "order": this table can be dropped and
-- rebuilt from payment.events alone.
CREATE TABLE movement (
    kind text COLLATE "C" NOT NULL CHECK (
        kind IN ('CAPTURE', 'REVERSAL', 'REFUND', 'REFUND_RETURN', 'DISPUTE_LOSS', 'DISPUTE_OVERTURN')),
    movement_id text COLLATE "C" NOT NULL,
    order_id text COLLATE "C" NOT NULL,
    payment_id text COLLATE "C" NOT NULL,
    captured_minor bigint NOT NULL,
    refunded_minor bigint NOT NULL,
    lost_minor bigint NOT NULL,
    occurred_at timestamptz NOT NULL,
    PRIMARY KEY (kind, movement_id),
    CONSTRAINT movement_moves_one_amount CHECK (
        (captured_minor <> 0)::int + (refunded_minor <> 0)::int + (lost_minor <> 0)::int = 1)
);
CREATE INDEX movement_order ON movement (order_id);
INSERT INTO movement
SELECT 'CAPTURE', capture_id, order_id, payment_id, amount_minor, 0, 0, occurred_at FROM capture
UNION ALL SELECT 'REFUND', refund_id, order_id, payment_id, 0, amount_minor, 0, occurred_at FROM refund;
DROP TABLE capture;
DROP TABLE refund;

-- How far payment.events are known to be applied; no order expires at a time that lies after it.
CREATE TABLE consumption_watch (
    topic text COLLATE "C" PRIMARY KEY,
    complete_time timestamptz,
    noticed_time timestamptz,
    noticed_offsets bigint[],
    looks bigint NOT NULL CHECK (looks >= 0)
);
"""


def upgrade() -> None:
    runtime_schema.run_script(_TABLES)
