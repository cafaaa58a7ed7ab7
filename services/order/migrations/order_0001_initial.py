"""Orders and their items; what order knows of payments and merchants."""

from alembic import op

from paykit.postgres import runtime_schema

revision = "order_0001"
down_revision = None
branch_labels = None

_TABLES = """
CREATE TABLE "order" (
    order_id text COLLATE "C" PRIMARY KEY,
    merchant_id text COLLATE "C" NOT NULL,
    merchant_reference text COLLATE "C" NOT NULL,
    total_minor bigint NOT NULL CHECK (total_minor BETWEEN 1 AND 9007199254740991),
    currency_code text COLLATE "C" NOT NULL CHECK (currency_code ~ '^[A-Z]{3}$'),
    item_count bigint NOT NULL CHECK (item_count BETWEEN 1 AND 100),
    metadata text NOT NULL, -- JSON of an object of strings: handed on, never looked into.
    correlation_id text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL CHECK (state IN ('CREATED', 'PAID', 'CANCELLED', 'EXPIRED')),
    paid_minor bigint NOT NULL,
    refunded_minor bigint NOT NULL,
    expire_time timestamptz CHECK (expire_time > create_time),
    aggregate_version bigint NOT NULL CHECK (aggregate_version >= 1),
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL CHECK (update_time >= create_time),
    CONSTRAINT order_merchant_reference_key UNIQUE (merchant_id, merchant_reference),
    CONSTRAINT order_refunded_within_paid CHECK (refunded_minor BETWEEN 0 AND paid_minor),
    CONSTRAINT order_open_until_paid CHECK (
        CASE state WHEN 'CREATED' THEN paid_minor < total_minor WHEN 'PAID' THEN paid_minor >= total_minor
        ELSE true END),
    CONSTRAINT order_expired_after_its_time CHECK (
        state <> 'EXPIRED' OR expire_time IS NOT NULL AND update_time >= expire_time)
) WITH (fillfactor = 75);
-- ListOrders, whose filters beyond merchant and time are applied while it is walked.
CREATE INDEX order_list ON "order" (merchant_id, create_time, order_id);
-- The orders that time may end.
CREATE INDEX order_expiring ON "order" (expire_time) WHERE state = 'CREATED' AND expire_time IS NOT NULL;

CREATE TABLE line_item (
    order_id text COLLATE "C" NOT NULL,
    line bigint NOT NULL CHECK (line BETWEEN 1 AND 100),
    name text NOT NULL,
    quantity bigint NOT NULL CHECK (quantity BETWEEN 1 AND 1000000),
    unit_price_minor bigint NOT NULL CHECK (unit_price_minor BETWEEN 1 AND 9007199254740991),
    amount_minor bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 9007199254740991),
    PRIMARY KEY (order_id, line),
    CONSTRAINT line_item_amount_is_the_product CHECK (amount_minor = quantity::numeric * unit_price_minor)
);

-- What payments captured for orders and gave back, each once. No keys lead to "order": these tables can be dropped and
-- rebuilt from payment.events alone.
CREATE TABLE capture (
    capture_id text COLLATE "C" PRIMARY KEY,
    order_id text COLLATE "C" NOT NULL,
    payment_id text COLLATE "C" NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 9007199254740991),
    occurred_at timestamptz NOT NULL
);
CREATE INDEX capture_order ON capture (order_id);
CREATE TABLE refund (
    refund_id text COLLATE "C" PRIMARY KEY,
    order_id text COLLATE "C" NOT NULL,
    payment_id text COLLATE "C" NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 9007199254740991),
    occurred_at timestamptz NOT NULL
);
CREATE INDEX refund_order ON refund (order_id);

CREATE TABLE merchant (
    merchant_id text COLLATE "C" PRIMARY KEY,
    status text COLLATE "C" NOT NULL,
    aggregate_version bigint NOT NULL
);
"""

# The items of an order are inserted in one statement, and never changed: their sum is proven once, here.
_PROVE_TOTALS = """
CREATE FUNCTION prove_totals() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF EXISTS (
        SELECT FROM (
            SELECT order_id, sum(amount_minor) AS total_minor, count(*) AS item_count FROM inserted GROUP BY order_id
        ) AS item
        LEFT JOIN "order" USING (order_id)
        WHERE (item.total_minor, item.item_count) IS DISTINCT FROM ("order".total_minor, "order".item_count)
    ) THEN
        RAISE EXCEPTION 'the items of an order do not make its total' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END
$$
"""
_TOTALS_TRIGGER = """
CREATE TRIGGER line_item_totals AFTER INSERT ON line_item REFERENCING NEW TABLE AS inserted
FOR EACH STATEMENT EXECUTE FUNCTION prove_totals()
"""


def upgrade() -> None:
    runtime_schema.create_v1()
    runtime_schema.run_script(_TABLES)
    op.execute(_PROVE_TOTALS)
    op.execute(_TOTALS_TRIGGER)
    runtime_schema.guard_states("order", [("CREATED", "PAID"), ("CREATED", "CANCELLED"), ("CREATED", "EXPIRED")])
    op.execute(runtime_schema.revoke("order", "DELETE"))
    op.execute(runtime_schema.revoke("line_item", "UPDATE", "DELETE"))
