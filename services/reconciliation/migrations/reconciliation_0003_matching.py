"""Statements and their lines, movements of money as the line knows them, and what came of holding both together."""

from alembic import op

from paykit.postgres import runtime_schema

revision = "reconciliation_0003"
down_revision = "reconciliation_0002"
branch_labels = None

_STATEMENTS = """
CREATE TABLE statement (
    statement_id text COLLATE "C" PRIMARY KEY,
    channel text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL CHECK (source IN ('CHANNEL', 'FILE')),
    currency_code text COLLATE "C" NOT NULL CHECK (currency_code ~ '^[A-Z]{3}$'),
    statement_date date NOT NULL,
    reference text,
    state text COLLATE "C" NOT NULL CHECK (state IN ('OPEN', 'CLOSED', 'RECONCILED')),
    line_count bigint CHECK (line_count >= 0),
    opening_balance_minor bigint,
    closing_balance_minor bigint,
    acquirer_net_minor bigint, -- What the acquirer pays out for it, and under which reference at the bank.
    statement_fee_minor bigint,
    bank_reference text COLLATE "C",
    correlation_id text COLLATE "C" NOT NULL,
    aggregate_version bigint NOT NULL CHECK (aggregate_version >= 0),
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL CHECK (update_time >= create_time),
    CONSTRAINT statement_closed_with_its_count CHECK (state = 'OPEN' OR line_count IS NOT NULL)
);
CREATE INDEX statement_list ON statement (create_time, statement_id);
CREATE INDEX statement_day ON statement (channel, statement_date, currency_code);
CREATE INDEX statement_closed ON statement (statement_id) WHERE state = 'CLOSED';
CREATE INDEX statement_bank_reference ON statement (bank_reference) WHERE bank_reference IS NOT NULL;

-- Written once, never changed. No key leads to statement: a million of them come in one COPY.
CREATE TABLE statement_line (
    line_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    statement_id text COLLATE "C" NOT NULL,
    channel text COLLATE "C" NOT NULL,
    line_id text COLLATE "C" NOT NULL,
    operation text COLLATE "C" NOT NULL,
    outcome text COLLATE "C" NOT NULL CHECK (outcome IN ('SUCCEEDED', 'FAILED')),
    amount_minor bigint NOT NULL CHECK (amount_minor BETWEEN -9007199254740991 AND 9007199254740991),
    currency_code text COLLATE "C" NOT NULL CHECK (currency_code ~ '^[A-Z]{3}$'),
    channel_fee_minor bigint NOT NULL,
    line_date date NOT NULL,
    value_date date,
    occurred_at timestamptz,
    related_no text COLLATE "C",
    attempt_id text COLLATE "C",
    channel_reference text COLLATE "C",
    original_channel_reference text COLLATE "C",
    settlement_amount_minor bigint,
    settlement_currency_code text COLLATE "C",
    exchange_rate text COLLATE "C",
    payout_reference text COLLATE "C",
    acquirer_reference text COLLATE "C",
    text text,
    CONSTRAINT statement_line_once UNIQUE (channel, line_id)
);
CREATE INDEX statement_line_statement ON statement_line (statement_id, line_no);

-- Lines that no movement has been found for: those not looked at yet, those that wait for one, those called missing.
CREATE TABLE open_line (
    line_no bigint PRIMARY KEY,
    statement_id text COLLATE "C" NOT NULL,
    channel text COLLATE "C" NOT NULL,
    operation text COLLATE "C" NOT NULL,
    amount_minor bigint NOT NULL,
    currency_code text COLLATE "C" NOT NULL,
    channel_reference text COLLATE "C",
    attempt_id text COLLATE "C",
    related_no text COLLATE "C",
    fresh boolean NOT NULL,
    due_time timestamptz -- When it is called missing; null once it was.
);
CREATE INDEX open_line_fresh ON open_line (channel, line_no) WHERE fresh;
CREATE INDEX open_line_due ON open_line (channel, due_time) WHERE NOT fresh AND due_time IS NOT NULL;
CREATE INDEX open_line_statement ON open_line (statement_id) WHERE due_time IS NOT NULL;
CREATE INDEX open_line_reference ON open_line (channel_reference) WHERE NOT fresh;
CREATE INDEX open_line_attempt ON open_line (attempt_id) WHERE NOT fresh;
CREATE INDEX open_line_related ON open_line (related_no) WHERE NOT fresh;
CREATE INDEX open_line_amount ON open_line (currency_code, amount_minor) WHERE NOT fresh;

CREATE TABLE line_outcome (
    line_no bigint PRIMARY KEY,
    status text COLLATE "C" NOT NULL CHECK (status IN ('MATCHED', 'AMOUNT_MISMATCH', 'CURRENCY_MISMATCH',
        'FEE_MISMATCH', 'DUPLICATE', 'MISSING_INTERNAL', 'CONTRADICTED')),
    rule text COLLATE "C" NOT NULL,
    movement_id text COLLATE "C"
);
"""

_MOVEMENTS = """
-- Projection of payment.events and withdrawal.events.
CREATE TABLE internal_transaction (
    movement_id text COLLATE "C" PRIMARY KEY,
    operation text COLLATE "C" NOT NULL,
    related_no text COLLATE "C" NOT NULL,
    root_reference text COLLATE "C" NOT NULL,
    channel text COLLATE "C" NOT NULL,
    channel_reference text COLLATE "C",
    attempt_id text COLLATE "C",
    merchant_id text COLLATE "C",
    amount_minor bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 9007199254740991),
    currency_code text COLLATE "C" NOT NULL,
    occurred_at timestamptz NOT NULL,
    correlation_id text COLLATE "C" NOT NULL
);
CREATE INDEX internal_transaction_reference ON internal_transaction (channel_reference);
CREATE INDEX internal_transaction_attempt ON internal_transaction (attempt_id);
CREATE INDEX internal_transaction_related ON internal_transaction (related_no);
CREATE INDEX internal_transaction_day ON internal_transaction (channel, occurred_at, movement_id);

-- Projection: how calls to channels ended that moved no money, as far as is known.
CREATE TABLE unmoved_attempt (
    attempt_id text COLLATE "C" PRIMARY KEY,
    operation text COLLATE "C" NOT NULL,
    outcome text COLLATE "C" NOT NULL CHECK (outcome IN ('FAILED', 'UNKNOWN')),
    related_no text COLLATE "C" NOT NULL,
    root_reference text COLLATE "C" NOT NULL,
    channel text COLLATE "C" NOT NULL,
    merchant_id text COLLATE "C",
    amount_minor bigint NOT NULL,
    currency_code text COLLATE "C" NOT NULL,
    occurred_at timestamptz NOT NULL,
    correlation_id text COLLATE "C" NOT NULL
);

-- Movements that no line has told of, as open_line is of lines.
CREATE TABLE open_movement (
    movement_id text COLLATE "C" PRIMARY KEY,
    channel text COLLATE "C" NOT NULL,
    fresh boolean NOT NULL,
    due_time timestamptz -- When it is called missing; null once it was.
);
CREATE INDEX open_movement_fresh ON open_movement (channel, movement_id) WHERE fresh;
CREATE INDEX open_movement_due ON open_movement (channel, due_time) WHERE due_time IS NOT NULL;

CREATE TABLE movement_outcome (
    movement_id text COLLATE "C" PRIMARY KEY,
    status text COLLATE "C" NOT NULL CHECK (status IN ('MATCHED', 'AMOUNT_MISMATCH', 'CURRENCY_MISMATCH',
        'FEE_MISMATCH', 'CONTRADICTED', 'MISSING_CHANNEL')),
    line_no bigint,
    CONSTRAINT movement_outcome_by_a_line CHECK ((line_no IS NULL) = (status = 'MISSING_CHANNEL'))
);
"""

_RULES = """
ALTER TABLE discrepancy ADD COLUMN line_no bigint, ADD COLUMN movement_id text COLLATE "C";
CREATE UNIQUE INDEX discrepancy_of_line ON discrepancy (line_no, kind) WHERE line_no IS NOT NULL;
CREATE UNIQUE INDEX discrepancy_of_movement ON discrepancy (movement_id, kind)
    WHERE line_no IS NULL AND movement_id IS NOT NULL;
CREATE INDEX discrepancy_open ON discrepancy (kind, discrepancy_id) WHERE state = 'OPEN';

CREATE TABLE rule_set (
    rule_set_id text COLLATE "C" PRIMARY KEY,
    channel text COLLATE "C" NOT NULL,
    version bigint NOT NULL CHECK (version >= 1),
    state text COLLATE "C" NOT NULL CHECK (state IN ('DRAFT', 'ACTIVE', 'REPLACED')),
    content text NOT NULL, -- TOML, as it was given.
    proposer text COLLATE "C" NOT NULL,
    reason text NOT NULL,
    activator text COLLATE "C",
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL,
    CONSTRAINT rule_set_version UNIQUE (channel, version),
    CONSTRAINT rule_set_by_two CHECK (activator IS NULL OR activator <> proposer)
);
CREATE UNIQUE INDEX rule_set_active ON rule_set (channel) WHERE state = 'ACTIVE';
CREATE INDEX rule_set_list ON rule_set (create_time, rule_set_id);
"""


def upgrade() -> None:
    runtime_schema.run_script(_STATEMENTS)
    runtime_schema.run_script(_MOVEMENTS)
    runtime_schema.run_script(_RULES)
    runtime_schema.guard_states("statement", [("OPEN", "CLOSED"), ("CLOSED", "RECONCILED")])
    runtime_schema.keep_creating_calls("rule_set")
    runtime_schema.guard_states("rule_set", [("DRAFT", "ACTIVE"), ("ACTIVE", "REPLACED"), ("REPLACED", "ACTIVE")])
    op.execute(runtime_schema.revoke("statement_line", "UPDATE", "DELETE"))
