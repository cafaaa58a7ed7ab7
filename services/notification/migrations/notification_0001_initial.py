"""Notifications, the tries to send them, and what merchants want of them."""

from alembic import op

from paykit.postgres import runtime_schema

revision = "notification_0001"
down_revision = None
branch_labels = None

_TABLES = """
-- It holds no address, and must not: what a payer left for receipts is looked up for each try, and kept nowhere.
CREATE TABLE notification (
    notification_id text COLLATE "C" PRIMARY KEY,
    group_key text COLLATE "C" NOT NULL, -- What is told once: the event, or what it shares with others.
    event_id text COLLATE "C" NOT NULL,
    record text COLLATE "C" NOT NULL,
    template text COLLATE "C" NOT NULL,
    recipient_kind text COLLATE "C" NOT NULL CHECK (recipient_kind IN ('MERCHANT', 'PAYER', 'OPERATOR')),
    recipient_no bigint NOT NULL CHECK (recipient_no BETWEEN 0 AND 9),
    recipient text COLLATE "C" CHECK (recipient ~ '^[0-9a-f]{64}$'),
    contact_id text COLLATE "C" CHECK ((contact_id IS NOT NULL) = (recipient_kind = 'PAYER')),
    merchant_id text COLLATE "C",
    resource_id text COLLATE "C" NOT NULL,
    correlation_id text COLLATE "C" NOT NULL,
    facts text NOT NULL, -- JSON, written and read by the service alone.
    state text COLLATE "C" NOT NULL CHECK (state IN ('QUEUED', 'SENDING', 'SENT', 'FAILED', 'UNKNOWN', 'SUPPRESSED')),
    reason text COLLATE "C",
    detail text CHECK (length(detail) <= 200),
    locale text COLLATE "C",
    try_count bigint NOT NULL CHECK (try_count BETWEEN 0 AND try_total),
    try_total bigint NOT NULL,
    doubt_count bigint NOT NULL CHECK (doubt_count BETWEEN 0 AND try_count),
    resend_count bigint NOT NULL,
    message_no bigint NOT NULL CHECK (message_no BETWEEN 0 AND resend_count),
    due_time timestamptz CHECK ((due_time IS NOT NULL) = (state IN ('QUEUED', 'SENDING'))),
    send_time timestamptz CHECK ((send_time IS NOT NULL) = (state = 'SENT')),
    traceparent text COLLATE "C",
    aggregate_version bigint NOT NULL CHECK (aggregate_version >= 0),
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL CHECK (update_time >= create_time),
    CONSTRAINT notification_once_per_recipient UNIQUE (group_key, template, recipient_kind, recipient_no),
    CONSTRAINT notification_sent_by_a_try CHECK (state <> 'SENT' OR try_count >= 1)
) WITH (fillfactor = 70);
-- ListNotifications, by each of its scopes; other filters are applied while it is walked.
CREATE INDEX notification_merchant ON notification (merchant_id, create_time, notification_id);
CREATE INDEX notification_resource ON notification (resource_id, create_time, notification_id);
CREATE INDEX notification_correlation ON notification (correlation_id, create_time, notification_id);
CREATE INDEX notification_state ON notification (state, create_time, notification_id);
-- What is to be tried, and what is being tried for too long.
CREATE INDEX notification_due ON notification (due_time) WHERE due_time IS NOT NULL;

CREATE TABLE delivery_try (
    notification_id text COLLATE "C" NOT NULL REFERENCES notification,
    try_number bigint NOT NULL CHECK (try_number >= 1),
    outcome text COLLATE "C" CHECK (outcome IN ('ACCEPTED', 'DEFERRED', 'REFUSED', 'IN_DOUBT', 'SUPPRESSED')),
    reason text COLLATE "C",
    smtp_code bigint CHECK (smtp_code BETWEEN 100 AND 599),
    detail text CHECK (length(detail) <= 200),
    start_time timestamptz NOT NULL,
    end_time timestamptz CHECK (end_time >= start_time),
    PRIMARY KEY (notification_id, try_number),
    CONSTRAINT delivery_try_ended_by_an_outcome CHECK ((outcome IS NULL) = (end_time IS NULL))
);

CREATE TABLE preferences (
    merchant_id text COLLATE "C" PRIMARY KEY,
    locale text COLLATE "C",
    topics text NOT NULL, -- JSON, written and read by the service alone.
    version bigint NOT NULL CHECK (version >= 0),
    update_time timestamptz CHECK ((update_time IS NULL) = (version = 0))
);
"""

_STATES = (
    ("QUEUED", "SENDING"),
    *(("SENDING", after) for after in ("QUEUED", "SENT", "FAILED", "UNKNOWN", "SUPPRESSED")),
    *((ended, "QUEUED") for ended in ("SENT", "FAILED", "UNKNOWN", "SUPPRESSED")),
)


def upgrade() -> None:
    runtime_schema.create_v1()
    runtime_schema.run_script(_TABLES)
    runtime_schema.guard_states("notification", _STATES)
    op.execute(runtime_schema.revoke("notification", "DELETE"))
    op.execute(runtime_schema.revoke("delivery_try", "DELETE"))
