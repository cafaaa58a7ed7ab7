"""How far payments were walked through whose place to come back to is to be erased, as they ended before that was done.

The walk begins a day later, when no process is left of a build that leaves it; a schema without payments needs none.
"""

from alembic import op

from paykit.postgres import runtime_schema

revision = "payment_0025"
down_revision = "payment_0024"
branch_labels = None
expands = True

_TABLE = """
CREATE TABLE return_erasure (
    erasure_no smallint PRIMARY KEY CHECK (erasure_no = 1),
    begin_time timestamptz NOT NULL,
    -- The last payment_id that was looked at.
    walked_to text COLLATE "C" NOT NULL,
    done boolean NOT NULL
);
INSERT INTO return_erasure SELECT 1, now() + interval '1 day', '', false WHERE EXISTS (SELECT FROM payment);
"""


def upgrade() -> None:
    runtime_schema.run_script(_TABLE)
    op.execute(runtime_schema.revoke("return_erasure", "DELETE"))
