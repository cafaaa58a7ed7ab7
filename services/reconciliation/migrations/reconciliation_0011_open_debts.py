"""What is left of each debt, kept as it changes, so that a page of what has not cleared needs no other debts.

A debt is paid off by whatever comes, the oldest first: what is left of it depends on all others of its account. It is
kept by triggers, for builds from before this one write `uncleared` as well, and so does a rebuild. What there is of
debts is filled in here: they are few beside what the table holds, and nothing else of it is read.
"""

from alembic import op

from paykit.postgres import runtime_schema

revision = "reconciliation_0011"
down_revision = "reconciliation_0010"
branch_labels = None
expands = True

_TABLES = """
-- The sum of all that an account owes and has paid: below zero where it paid ahead.
CREATE TABLE debt_balance (
    account_kind text COLLATE "C" NOT NULL,
    merchant_id text COLLATE "C" NOT NULL,
    currency_code text COLLATE "C" NOT NULL,
    balance_minor numeric(38, 0) NOT NULL,
    PRIMARY KEY (account_kind, merchant_id, currency_code)
) WITH (fillfactor = 75);

-- The debts of an account that are left: its newest, which come to its balance.
CREATE TABLE open_debt (
    account_kind text COLLATE "C" NOT NULL,
    merchant_id text COLLATE "C" NOT NULL,
    currency_code text COLLATE "C" NOT NULL,
    reference text COLLATE "C" NOT NULL,
    root_reference text COLLATE "C" NOT NULL,
    amount_minor numeric(38, 0) NOT NULL CHECK (amount_minor > 0),
    since timestamptz NOT NULL,
    PRIMARY KEY (account_kind, merchant_id, currency_code, reference)
);
CREATE INDEX open_debt_kind ON open_debt (account_kind, since, merchant_id, currency_code, reference);
CREATE INDEX open_debt_merchant ON open_debt (account_kind, merchant_id, since, currency_code, reference);
"""

_KEEP = """
CREATE FUNCTION keep_open_debts() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    changed uncleared := coalesce(NEW, OLD);
    left_minor numeric;
    debt record;
    debts open_debt[] := '{}';
BEGIN
    -- The lock of the account as well: of two that change it, the second sees what the first did.
    INSERT INTO debt_balance AS kept VALUES (changed.account_kind, changed.merchant_id, changed.currency_code,
        coalesce(NEW.amount_minor, 0) - coalesce(OLD.amount_minor, 0))
    ON CONFLICT (account_kind, merchant_id, currency_code)
        DO UPDATE SET balance_minor = kept.balance_minor + excluded.balance_minor
    RETURNING balance_minor INTO left_minor;
    IF left_minor > 0 THEN
        FOR debt IN
            SELECT * FROM uncleared
            WHERE account_kind = changed.account_kind AND merchant_id = changed.merchant_id
                AND currency_code = changed.currency_code AND amount_minor > 0
            ORDER BY since DESC, reference DESC
        LOOP
            debts := debts || (debt.account_kind, debt.merchant_id, debt.currency_code, debt.reference,
                debt.root_reference, least(debt.amount_minor, left_minor), debt.since)::open_debt;
            left_minor := left_minor - debt.amount_minor;
            EXIT WHEN left_minor <= 0;
        END LOOP;
    END IF;
    DELETE FROM open_debt
    WHERE account_kind = changed.account_kind AND merchant_id = changed.merchant_id
        AND currency_code = changed.currency_code
        AND reference <> ALL (ARRAY(SELECT reference FROM unnest(debts)));
    INSERT INTO open_debt AS kept SELECT * FROM unnest(debts)
    ON CONFLICT (account_kind, merchant_id, currency_code, reference) DO UPDATE SET
        root_reference = excluded.root_reference, amount_minor = excluded.amount_minor, since = excluded.since
    WHERE (kept.root_reference, kept.amount_minor, kept.since)
        IS DISTINCT FROM (excluded.root_reference, excluded.amount_minor, excluded.since);
    RETURN NULL;
END $$
"""

_TRIGGERS = """
CREATE TRIGGER open_debts_of_written AFTER INSERT OR UPDATE ON uncleared FOR EACH ROW
    WHEN (NEW.account_kind = 'merchant.receivable') EXECUTE FUNCTION keep_open_debts();
CREATE TRIGGER open_debts_of_deleted AFTER DELETE ON uncleared FOR EACH ROW
    WHEN (OLD.account_kind = 'merchant.receivable') EXECUTE FUNCTION keep_open_debts();
"""

# The triggers are there, and so nobody else writes `uncleared` until this ends.
_FILL_BALANCES = """
INSERT INTO debt_balance
SELECT account_kind, merchant_id, currency_code, sum(amount_minor) FROM uncleared
WHERE account_kind = 'merchant.receivable' GROUP BY 1, 2, 3
"""
_FILL_DEBTS = """
INSERT INTO open_debt
SELECT account_kind, merchant_id, currency_code, reference, root_reference,
    least(amount_minor, balance_minor - newer_minor), since
FROM (
    SELECT uncleared.*, balance_minor, coalesce(sum(amount_minor) OVER (
        PARTITION BY account_kind, merchant_id, currency_code ORDER BY since DESC, reference DESC
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS newer_minor
    FROM uncleared JOIN debt_balance USING (account_kind, merchant_id, currency_code)
    WHERE account_kind = 'merchant.receivable' AND amount_minor > 0 AND balance_minor > 0
) AS debt
WHERE balance_minor > newer_minor
"""


def upgrade() -> None:
    runtime_schema.run_script(_TABLES)
    op.execute(_KEEP)
    runtime_schema.run_script(_TRIGGERS)
    op.execute(_FILL_BALANCES)
    op.execute(_FILL_DEBTS)
