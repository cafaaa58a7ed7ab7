"""The simulated acquirer's books."""

from alembic import op

from paykit.postgres import runtime_schema

revision = "channel_0001"
down_revision = None
branch_labels = None
depends_on = None

# Which attempts were taken. A row of its own, inserted before anything is decided, makes two concurrent calls with one
# attempt_id wait for one another.
_ATTEMPT = """
CREATE TABLE attempt (
    attempt_id text COLLATE "C" PRIMARY KEY
)
"""

_CHANNEL_TRANSACTION = """
CREATE TABLE channel_transaction (
    attempt_id text COLLATE "C" PRIMARY KEY,
    action text NOT NULL CHECK (action IN ('AUTHORIZE', 'CAPTURE', 'CANCEL', 'REFUND', 'PAY')),
    channel_reference text COLLATE "C" NOT NULL,
    merchant_id text COLLATE "C",
    amount_minor bigint CHECK (amount_minor BETWEEN 1 AND 9007199254740991),
    currency_code text COLLATE "C" CHECK (currency_code ~ '^[A-Z]{3}$'),
    authorization_reference text COLLATE "C",
    related_no text COLLATE "C",
    outcome text NOT NULL CHECK (outcome IN ('APPROVED', 'DECLINED', 'PENDING')),
    decline_code text NOT NULL,
    moves_money boolean NOT NULL,
    fee_minor bigint NOT NULL CHECK (fee_minor >= 0),
    wrong_fee_minor bigint NOT NULL,
    later text CHECK (later IN ('APPROVED', 'DECLINED')),
    resolve_time timestamptz,
    callbacks bigint NOT NULL CHECK (callbacks >= 0),
    callback_address text NOT NULL,
    correlation_id text NOT NULL,
    fingerprint bytea NOT NULL,
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL,
    line_date text COLLATE "C" CHECK (line_date ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$'),
    version bigint NOT NULL CHECK (version >= 1),
    CONSTRAINT a_decline_has_a_code CHECK ((outcome = 'DECLINED') = (decline_code <> '')),
    CONSTRAINT what_is_open_has_a_time CHECK ((later IS NULL) = (resolve_time IS NULL)),
    CONSTRAINT pending_is_open CHECK (outcome <> 'PENDING' OR later IS NOT NULL),
    CONSTRAINT moved_money_has_a_line CHECK ((line_date IS NOT NULL) = (moves_money AND outcome = 'APPROVED'))
)
"""

_INDEXES = (
    "CREATE INDEX channel_transaction_open ON channel_transaction (resolve_time) WHERE resolve_time IS NOT NULL",
    "CREATE INDEX channel_transaction_line ON channel_transaction (line_date) WHERE line_date IS NOT NULL",
)

_CARD_AUTHORIZATION = """
CREATE TABLE card_authorization (
    authorization_reference text COLLATE "C" PRIMARY KEY,
    merchant_id text COLLATE "C" NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 9007199254740991),
    currency_code text COLLATE "C" NOT NULL CHECK (currency_code ~ '^[A-Z]{3}$'),
    status text NOT NULL CHECK (status IN ('APPROVED', 'DECLINED', 'PENDING')),
    cancelled boolean NOT NULL,
    taken_minor bigint NOT NULL CHECK (taken_minor BETWEEN 0 AND amount_minor),
    captured_minor bigint NOT NULL CHECK (captured_minor BETWEEN 0 AND taken_minor),
    refunded_minor bigint NOT NULL CHECK (refunded_minor BETWEEN 0 AND captured_minor)
)
"""

_BEHAVIOUR = """
CREATE TABLE behaviour (
    merchant_id text COLLATE "C" PRIMARY KEY,
    latency_ms bigint NOT NULL,
    decline_basis_points bigint NOT NULL,
    timeout_after_basis_points bigint NOT NULL,
    timeout_before_basis_points bigint NOT NULL,
    pending_basis_points bigint NOT NULL,
    duplicate_callback_basis_points bigint NOT NULL,
    wrong_fee_basis_points bigint NOT NULL,
    callback_delay_ms bigint NOT NULL,
    callback_address text NOT NULL,
    fee_basis_points bigint NOT NULL,
    finality_seconds bigint NOT NULL
)
"""

_CALLBACK = """
CREATE TABLE callback (
    callback_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    attempt_id text COLLATE "C" NOT NULL,
    due_time timestamptz NOT NULL,
    tries bigint NOT NULL DEFAULT 0,
    retry_time timestamptz
)
"""

_CALLBACK_DUE = "CREATE INDEX callback_due ON callback (due_time)"

_STATEMENT = """
CREATE TABLE statement (
    statement_date text COLLATE "C" NOT NULL CHECK (statement_date ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$'),
    currency_code text COLLATE "C" NOT NULL CHECK (currency_code ~ '^[A-Z]{3}$'),
    statement_id text COLLATE "C" NOT NULL UNIQUE,
    line_count bigint NOT NULL CHECK (line_count > 0),
    captured_minor numeric(38) NOT NULL,
    refunded_minor numeric(38) NOT NULL,
    paid_minor numeric(38) NOT NULL,
    channel_fee_minor numeric(38) NOT NULL,
    create_time timestamptz NOT NULL,
    PRIMARY KEY (statement_date, currency_code)
)
"""


def upgrade() -> None:
    runtime_schema.create_v1()
    for statement in (_ATTEMPT, _CHANNEL_TRANSACTION, *_INDEXES, _CARD_AUTHORIZATION, _BEHAVIOUR):
        op.execute(statement)
    for statement in (_CALLBACK, _CALLBACK_DUE, _STATEMENT):
        op.execute(statement)
    op.execute(runtime_schema.revoke("attempt", "UPDATE"))
    op.execute(runtime_schema.revoke("statement", "UPDATE", "DELETE"))


def downgrade() -> None:
    raise NotImplementedError("versions of the database only go forward")
