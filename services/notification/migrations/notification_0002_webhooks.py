"""Webhooks: endpoints, what is known of their secrets, events, deliveries and tries."""

from alembic import op

from paykit.postgres import runtime_schema

revision = "notification_0002"
down_revision = "notification_0001"
branch_labels = None

_TABLES = """
CREATE TABLE webhook_endpoint (
    endpoint_id text COLLATE "C" PRIMARY KEY,
    merchant_id text COLLATE "C" NOT NULL,
    url text COLLATE "C" NOT NULL CHECK (length(url) BETWEEN 1 AND 500),
    event_filters text COLLATE "C" NOT NULL, -- Separated by spaces; none takes everything.
    description text NOT NULL CHECK (length(description) <= 200),
    state text COLLATE "C" NOT NULL CHECK (state IN ('ENABLED', 'PAUSED', 'FAILING', 'DISABLED', 'DELETED')),
    revision bigint NOT NULL CHECK (revision >= 1),
    -- Real time, as retries are, however far business time was moved.
    failing_since_time timestamptz,
    failure_count bigint NOT NULL CHECK (failure_count >= 0),
    rest_until_time timestamptz,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL CHECK (update_time >= create_time),
    CONSTRAINT webhook_endpoint_fails_since CHECK ((failing_since_time IS NULL) = (failure_count = 0))
);
-- ListWebhookEndpoints, and which endpoints an event goes to.
CREATE INDEX webhook_endpoint_merchant ON webhook_endpoint (merchant_id, create_time, endpoint_id);

-- What is known of secrets. They themselves are derived of the platform's key, and stand nowhere.
CREATE TABLE webhook_secret (
    endpoint_id text COLLATE "C" NOT NULL REFERENCES webhook_endpoint,
    number bigint NOT NULL CHECK (number >= 1),
    key_fingerprint text COLLATE "C" NOT NULL,
    create_time timestamptz NOT NULL,
    expire_time timestamptz,
    PRIMARY KEY (endpoint_id, number)
);
CREATE UNIQUE INDEX webhook_secret_newest ON webhook_secret (endpoint_id) WHERE expire_time IS NULL;

CREATE TABLE webhook_event (
    event_id text COLLATE "C" PRIMARY KEY,
    merchant_id text COLLATE "C" NOT NULL,
    event_type text COLLATE "C" NOT NULL,
    resource_key text COLLATE "C" NOT NULL,
    resource_version bigint NOT NULL,
    body text NOT NULL, -- JSON: handed on, never looked into.
    create_time timestamptz NOT NULL
);
-- ReplayWebhookEvents by time, and what is old.
CREATE INDEX webhook_event_merchant ON webhook_event (merchant_id, create_time, event_id);
CREATE INDEX webhook_event_create_time ON webhook_event USING brin (create_time);

-- No key leads to webhook_endpoint: consumers insert while a delivering process has its row locked.
CREATE TABLE webhook_delivery (
    delivery_id text COLLATE "C" PRIMARY KEY,
    endpoint_id text COLLATE "C" NOT NULL,
    merchant_id text COLLATE "C" NOT NULL,
    event_id text COLLATE "C" NOT NULL REFERENCES webhook_event,
    event_type text COLLATE "C" NOT NULL,
    resource_key text COLLATE "C" NOT NULL,
    resource_version bigint NOT NULL,
    state text COLLATE "C" NOT NULL CHECK (state IN ('PENDING', 'SUCCEEDED', 'FAILED')),
    failure_reason text COLLATE "C" CHECK ((failure_reason IS NOT NULL) = (state = 'FAILED')),
    attempt_count bigint NOT NULL CHECK (attempt_count BETWEEN 0 AND attempt_total),
    attempt_total bigint NOT NULL,
    replay_count bigint NOT NULL CHECK (replay_count >= 0),
    due_time timestamptz NOT NULL, -- Real time, as is lease_time.
    lease_time timestamptz,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL CHECK (update_time >= create_time),
    CONSTRAINT webhook_delivery_once UNIQUE (endpoint_id, event_id)
) WITH (fillfactor = 70);
CREATE INDEX webhook_delivery_pending ON webhook_delivery (endpoint_id, due_time, resource_version)
    WHERE state = 'PENDING';
CREATE INDEX webhook_delivery_in_flight ON webhook_delivery (endpoint_id) WHERE lease_time IS NOT NULL;
-- ListWebhookDeliveries, by each of its scopes; other filters are applied while it is walked.
CREATE INDEX webhook_delivery_merchant ON webhook_delivery (merchant_id, create_time, delivery_id);
CREATE INDEX webhook_delivery_endpoint ON webhook_delivery (endpoint_id, create_time, delivery_id);
CREATE INDEX webhook_delivery_event ON webhook_delivery (event_id);
CREATE INDEX webhook_delivery_ended ON webhook_delivery USING brin (update_time);

CREATE TABLE webhook_attempt (
    delivery_id text COLLATE "C" NOT NULL REFERENCES webhook_delivery ON DELETE CASCADE,
    attempt_number bigint NOT NULL CHECK (attempt_number >= 1),
    start_time timestamptz NOT NULL,
    latency_ms bigint NOT NULL CHECK (latency_ms >= 0),
    status_code bigint CHECK (status_code BETWEEN 100 AND 599),
    failure text COLLATE "C",
    excerpt bytea NOT NULL CHECK (length(excerpt) <= 1000),
    PRIMARY KEY (delivery_id, attempt_number),
    CONSTRAINT webhook_attempt_answered_or_not CHECK ((status_code IS NULL) = (failure IS NOT NULL))
);
"""

_ENDPOINT_STATES = (
    *(("ENABLED", after) for after in ("PAUSED", "FAILING", "DISABLED", "DELETED")),
    *(("PAUSED", after) for after in ("ENABLED", "DISABLED", "DELETED")),
    *(("FAILING", after) for after in ("ENABLED", "PAUSED", "DISABLED", "DELETED")),
    *(("DISABLED", after) for after in ("ENABLED", "DELETED")),
)
_DELIVERY_STATES = (
    ("PENDING", "SUCCEEDED"),
    ("PENDING", "FAILED"),
    # Taken by a receiver whose answer came after it was given up, and replayed.
    ("FAILED", "SUCCEEDED"),
    ("FAILED", "PENDING"),
    ("SUCCEEDED", "PENDING"),
)


def upgrade() -> None:
    runtime_schema.run_script(_TABLES)
    runtime_schema.keep_creating_calls("webhook_endpoint")
    runtime_schema.guard_states("webhook_endpoint", _ENDPOINT_STATES)
    runtime_schema.guard_states("webhook_delivery", _DELIVERY_STATES)
    op.execute(runtime_schema.revoke("webhook_endpoint", "DELETE"))
    op.execute(runtime_schema.revoke("webhook_secret", "DELETE"))
