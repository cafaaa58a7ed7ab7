"""Items of nearly all transactions in rows of a third of the size, which the builds after this one write.

Builds of this revision read both tables and write the old one, as those before it do.
"""

from alembic import op

from paykit.postgres import runtime_schema

revision = "settlement_0005"
down_revision = "settlement_0004"
branch_labels = None
depends_on = None
expands = True

# An item whose ids are of the usual forms, and whose transaction is an item of no other merchant: without the letters
# of its ids, which `form` says together with the type of transaction (services/settlement/store/narrow_item.py), and
# without its merchant, whose the settlement is. What does not fit stands in `item`, which holds anything.
_TABLE = """
CREATE TABLE narrow_item (
    transaction_id uuid PRIMARY KEY,
    settlement_id uuid NOT NULL,
    related_id uuid NOT NULL,
    root_id uuid NOT NULL,
    effective_at timestamptz NOT NULL,
    amount_minor bigint NOT NULL,
    fee_minor bigint NOT NULL,
    form smallint NOT NULL CHECK (form >= 1),
    CHECK (amount_minor <> 0 OR fee_minor <> 0)
);
CREATE INDEX narrow_item_settlement ON narrow_item (settlement_id, effective_at);
"""

# A transaction is an item in one of the tables. Each is unique by itself; what is inserted in one is looked for in the
# other, statement by statement. Where nothing is in the other, as nothing but journals is in a new schema, it costs
# nothing.
_REFUSE = """
CREATE FUNCTION refuse_item_twice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'narrow_item' THEN
        IF EXISTS (SELECT FROM item) AND EXISTS (
            SELECT FROM inserted JOIN item
            ON item.transaction_id = 'txn_' || encode(uuid_send(inserted.transaction_id), 'hex')
        ) THEN
            RAISE EXCEPTION 'a transaction is an item already'
                USING ERRCODE = 'unique_violation', CONSTRAINT = 'item_once', TABLE = 'narrow_item';
        END IF;
    ELSIF EXISTS (
        SELECT FROM inserted JOIN narrow_item ON narrow_item.transaction_id =
            CASE WHEN inserted.transaction_id ~ '^txn_[0-9a-f]{32}$' THEN substr(inserted.transaction_id, 5)::uuid END
    ) THEN
        RAISE EXCEPTION 'a transaction is an item already'
            USING ERRCODE = 'unique_violation', CONSTRAINT = 'item_once', TABLE = 'item';
    END IF;
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    runtime_schema.run_script(_TABLE)
    op.execute(_REFUSE)
    for table in ("item", "narrow_item"):
        op.execute(f"""
            CREATE TRIGGER {table}_once AFTER INSERT ON {table} REFERENCING NEW TABLE AS inserted
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_item_twice()
        """)
    op.execute(runtime_schema.revoke("narrow_item", "INSERT", "UPDATE", "DELETE", "TRUNCATE"))
