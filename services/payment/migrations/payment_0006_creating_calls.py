"""The calls that payments, captures and refunds were created by, and what merchants attach to them."""

from paykit.postgres import runtime_schema

revision = "payment_0006"
down_revision = "payment_0005"
branch_labels = None


_MERCHANT_OF_CAPTURE = """
ALTER TABLE capture ADD COLUMN merchant_id text COLLATE "C";
UPDATE capture SET merchant_id = payment.merchant_id FROM payment WHERE payment.payment_id = capture.payment_id;
ALTER TABLE capture ALTER COLUMN merchant_id SET NOT NULL;
"""


def upgrade() -> None:
    runtime_schema.run_script(_MERCHANT_OF_CAPTURE)
    for table in ("payment", "capture", "refund"):
        runtime_schema.keep_creating_calls(table)
    for table in ("capture", "refund"):
        runtime_schema.keep_labels(table)
