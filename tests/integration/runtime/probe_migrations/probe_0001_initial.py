"""Tables of the service that the runtime's own tests run."""

from alembic import op

from paykit.postgres import runtime_schema

revision = "probe_0001"
down_revision = None


def upgrade() -> None:
    runtime_schema.create_v1()
    op.execute("CREATE TABLE seen (seen_id bigint GENERATED ALWAYS AS IDENTITY, key text, record text, event_id text)")
    op.execute("CREATE TABLE counter (name text PRIMARY KEY, value bigint NOT NULL CHECK (value >= 0))")
    op.execute(
        "CREATE TABLE standing (payment_id text PRIMARY KEY, amount_minor bigint NOT NULL, failed boolean NOT NULL)"
    )
