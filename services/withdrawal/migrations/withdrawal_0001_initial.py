"""Withdrawals, bank accounts, allowances, attempts and evidence; what withdrawal knows of merchants and settlements."""

from alembic import op

from paykit.channels import attempt_schema
from paykit.postgres import runtime_schema

revision = "withdrawal_0001"
down_revision = None
branch_labels = None

_TABLES = """
CREATE TABLE bank_account (
    bank_account_id text COLLATE "C" PRIMARY KEY,
    merchant_id text COLLATE "C" NOT NULL,
    currency_code text COLLATE "C" NOT NULL CHECK (currency_code ~ '^[A-Z]{3}$'),
    token text COLLATE "C" NOT NULL CHECK (token <> ''),
    last_four text COLLATE "C" NOT NULL CHECK (last_four ~ '^[0-9A-Z]{4}$'),
    state text COLLATE "C" NOT NULL CHECK (state IN ('UNVERIFIED', 'VERIFIED', 'REFUSED', 'DISABLED')),
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL CHECK (update_time >= create_time)
);
-- A token is in use once; after it was refused or disabled it can be registered again.
CREATE UNIQUE INDEX bank_account_token_key ON bank_account (merchant_id, currency_code, token)
    WHERE state IN ('UNVERIFIED', 'VERIFIED');
CREATE INDEX bank_account_list ON bank_account (merchant_id, create_time, bank_account_id);

-- The lock under which withdrawals of a merchant and currency are accepted, and what they have taken.
CREATE TABLE allowance (
    merchant_id text COLLATE "C" NOT NULL,
    currency_code text COLLATE "C" NOT NULL CHECK (currency_code ~ '^[A-Z]{3}$'),
    withdrawn_minor numeric(38, 0) NOT NULL CONSTRAINT allowance_not_negative CHECK (withdrawn_minor >= 0),
    PRIMARY KEY (merchant_id, currency_code)
) WITH (fillfactor = 50);

CREATE TABLE withdrawal (
    withdrawal_id text COLLATE "C" PRIMARY KEY,
    merchant_id text COLLATE "C" NOT NULL,
    bank_account_id text COLLATE "C" NOT NULL REFERENCES bank_account,
    destination_token text NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 9007199254740991),
    currency_code text COLLATE "C" NOT NULL CHECK (currency_code ~ '^[A-Z]{3}$'),
    approval_required boolean NOT NULL,
    requester text COLLATE "C" NOT NULL,
    correlation_id text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL CHECK (state IN
        ('CREATED', 'HELD', 'APPROVED', 'SUBMITTED', 'COMPLETED', 'RETURNED', 'FAILED', 'UNKNOWN', 'REJECTED')),
    decider text COLLATE "C",
    funds_held boolean NOT NULL,
    channel text COLLATE "C",
    channel_reference text COLLATE "C",
    failure_reason text COLLATE "C",
    failure_code text,
    return_code text,
    contradicted boolean NOT NULL,
    aggregate_version bigint NOT NULL CHECK (aggregate_version >= 1),
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL CHECK (update_time >= create_time),
    CONSTRAINT withdrawal_four_eyes CHECK (decider IS NULL OR decider <> requester),
    CONSTRAINT withdrawal_decided_by_somebody CHECK (CASE
        WHEN NOT approval_required THEN decider IS NULL AND state NOT IN ('HELD', 'REJECTED')
        WHEN state IN ('CREATED', 'HELD') THEN decider IS NULL
        WHEN state = 'FAILED' THEN (decider IS NOT NULL) = funds_held
        ELSE decider IS NOT NULL END),
    CONSTRAINT withdrawal_held_by_the_ledger CHECK (
        CASE state WHEN 'CREATED' THEN NOT funds_held WHEN 'FAILED' THEN true ELSE funds_held END),
    CONSTRAINT withdrawal_has_channel CHECK (
        state NOT IN ('APPROVED', 'SUBMITTED', 'COMPLETED', 'RETURNED', 'UNKNOWN') OR channel IS NOT NULL),
    CONSTRAINT withdrawal_paid_has_reference CHECK (
        state NOT IN ('COMPLETED', 'RETURNED') OR channel_reference IS NOT NULL),
    CONSTRAINT withdrawal_failed_has_reason CHECK ((state = 'FAILED') = (failure_reason IS NOT NULL)),
    CONSTRAINT withdrawal_returned_has_code CHECK (return_code IS NULL OR state = 'RETURNED')
) WITH (fillfactor = 75);
-- ListWithdrawals of a merchant, the sum of a day, and the order in which funds are used up.
CREATE INDEX withdrawal_list ON withdrawal (merchant_id, create_time, withdrawal_id);

CREATE TABLE merchant (
    merchant_id text COLLATE "C" PRIMARY KEY,
    status text COLLATE "C" NOT NULL,
    time_zone text NOT NULL,
    aggregate_version bigint NOT NULL
);

-- What settlements made available, and adjustments of the ledger made or took: one row for each source.
CREATE TABLE credit (
    source_id text COLLATE "C" NOT NULL,
    merchant_id text COLLATE "C" NOT NULL,
    currency_code text COLLATE "C" NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor <> 0),
    book_time timestamptz NOT NULL,
    PRIMARY KEY (source_id, merchant_id, currency_code)
);
-- The order in which funds are used up.
CREATE INDEX credit_order ON credit (merchant_id, currency_code, book_time, source_id);

CREATE TABLE credit_total (
    merchant_id text COLLATE "C" NOT NULL,
    currency_code text COLLATE "C" NOT NULL,
    total_minor numeric(38, 0) NOT NULL,
    PRIMARY KEY (merchant_id, currency_code)
) WITH (fillfactor = 50);
"""

_ATTEMPT = (
    'withdrawal_id text COLLATE "C" NOT NULL CONSTRAINT attempt_once_per_withdrawal UNIQUE REFERENCES withdrawal',
    "CHECK (action = 'PAY')",
    "CHECK (failure_reason IN ('BANK_REJECTED', 'NOT_RECEIVED'))",
)

_WITHDRAWAL_CHANGES = (
    ("CREATED", "HELD"),
    ("CREATED", "APPROVED"),  # Held and, as nobody has to decide, approved in one step.
    ("CREATED", "FAILED"),
    ("HELD", "APPROVED"),
    ("HELD", "REJECTED"),
    ("APPROVED", "SUBMITTED"),
    ("SUBMITTED", "COMPLETED"),
    ("SUBMITTED", "RETURNED"),  # The bank's first word can be that it has paid and got the money back.
    ("SUBMITTED", "FAILED"),
    ("SUBMITTED", "UNKNOWN"),
    ("UNKNOWN", "COMPLETED"),
    ("UNKNOWN", "RETURNED"),
    ("UNKNOWN", "FAILED"),
    ("COMPLETED", "RETURNED"),
)
_BANK_ACCOUNT_CHANGES = (
    ("UNVERIFIED", "VERIFIED"),
    ("UNVERIFIED", "REFUSED"),
    ("UNVERIFIED", "DISABLED"),
    ("VERIFIED", "DISABLED"),
    ("REFUSED", "DISABLED"),
)


def upgrade() -> None:
    runtime_schema.create_v1()
    runtime_schema.run_script(_TABLES)
    attempt_schema.create_v1(_ATTEMPT)
    runtime_schema.guard_states("withdrawal", _WITHDRAWAL_CHANGES)
    runtime_schema.guard_states("bank_account", _BANK_ACCOUNT_CHANGES)
    for table in ("bank_account", "allowance", "withdrawal"):
        op.execute(runtime_schema.revoke(table, "DELETE"))
