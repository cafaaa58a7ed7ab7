"""Policies of months, business days and reserves of gross payments."""

from paykit.postgres import runtime_schema

revision = "merchant_0002"
down_revision = "merchant_0001"
branch_labels = None
depends_on = None

_CHANGES = """
ALTER TABLE merchant
    ADD COLUMN cut_off_month_day bigint CHECK (cut_off_month_day BETWEEN 1 AND 31),
    ADD COLUMN business_days boolean NOT NULL DEFAULT false,
    ADD COLUMN calendar text CHECK (calendar ~ '^[A-Z]{2}(-[A-Z0-9]{1,3})?$'),
    ADD COLUMN reserve_base text NOT NULL DEFAULT 'NET' CHECK (reserve_base IN ('NET', 'GROSS')),
    DROP CONSTRAINT merchant_schedule_check,
    DROP CONSTRAINT cut_off_time_fits_schedule,
    ADD CONSTRAINT merchant_schedule_check CHECK (
        schedule IN ('MANUAL', 'THRESHOLD', 'DAILY', 'WEEKLY', 'MONTHLY')),
    ADD CONSTRAINT cut_off_time_fits_schedule CHECK (
        (cut_off_time IS NOT NULL) = (schedule IN ('DAILY', 'WEEKLY', 'MONTHLY'))),
    ADD CONSTRAINT cut_off_month_day_fits_schedule CHECK ((cut_off_month_day IS NOT NULL) = (schedule = 'MONTHLY')),
    ADD CONSTRAINT calendar_is_of_business_days CHECK (calendar IS NULL OR business_days)
"""


def upgrade() -> None:
    runtime_schema.run_script(_CHANGES)
