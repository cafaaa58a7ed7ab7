"""Merchants, and every version of their fee plans."""

from alembic import op

from paykit.postgres import runtime_schema

revision = "merchant_0001"
down_revision = None
branch_labels = None
depends_on = None

_MERCHANT = """
CREATE TABLE merchant (
    merchant_id text COLLATE "C" PRIMARY KEY CHECK (merchant_id ~ '^mer_[0-9a-f]{32}$'),
    display_name text NOT NULL CHECK (char_length(display_name) BETWEEN 1 AND 200),
    status text NOT NULL CHECK (status IN ('CREATED', 'ACTIVE', 'SUSPENDED')),
    country_code text CHECK (country_code ~ '^[A-Z]{2}$'),
    contact_email text NOT NULL CHECK (char_length(contact_email) BETWEEN 3 AND 254),
    fee_plan_version bigint NOT NULL CHECK (fee_plan_version >= 1),
    schedule text NOT NULL CHECK (schedule IN ('MANUAL', 'THRESHOLD', 'DAILY', 'WEEKLY')),
    cut_off_time text CHECK (cut_off_time ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$'),
    cut_off_weekday bigint CHECK (cut_off_weekday BETWEEN 1 AND 7),
    time_zone text NOT NULL,
    delay_days bigint NOT NULL CHECK (delay_days BETWEEN 0 AND 30),
    thresholds jsonb NOT NULL CHECK (jsonb_typeof(thresholds) = 'object'),
    reserve_basis_points bigint NOT NULL CHECK (reserve_basis_points BETWEEN 0 AND 10000),
    reserve_days bigint NOT NULL CHECK (reserve_days BETWEEN 0 AND 365),
    create_time timestamptz NOT NULL,
    update_time timestamptz NOT NULL CHECK (update_time >= create_time),
    version bigint NOT NULL CHECK (version >= 1),
    CONSTRAINT cut_off_time_fits_schedule CHECK ((cut_off_time IS NOT NULL) = (schedule IN ('DAILY', 'WEEKLY'))),
    CONSTRAINT cut_off_weekday_fits_schedule CHECK ((cut_off_weekday IS NOT NULL) = (schedule = 'WEEKLY')),
    CONSTRAINT threshold_schedule_has_threshold CHECK (schedule <> 'THRESHOLD' OR thresholds <> '{}'),
    CONSTRAINT reserve_is_whole CHECK ((reserve_basis_points = 0) = (reserve_days = 0))
)
"""

_MERCHANT_STATUS = "CREATE INDEX merchant_status ON merchant (status, merchant_id)"

_FEE_PLAN = """
CREATE TABLE fee_plan (
    merchant_id text COLLATE "C" NOT NULL REFERENCES merchant,
    version bigint NOT NULL CHECK (version >= 1),
    refund_fee_returned boolean NOT NULL,
    effective_time timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, version)
)
"""

_FEE_RULE = """
CREATE TABLE fee_rule (
    merchant_id text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    currency_code text COLLATE "C" NOT NULL CHECK (currency_code ~ '^[A-Z]{3}$'),
    basis_points bigint NOT NULL CHECK (basis_points BETWEEN 0 AND 10000),
    fixed_minor bigint NOT NULL CHECK (fixed_minor BETWEEN 0 AND 9007199254740991),
    PRIMARY KEY (merchant_id, version, currency_code),
    FOREIGN KEY (merchant_id, version) REFERENCES fee_plan
)
"""


def upgrade() -> None:
    runtime_schema.create_v1()
    for statement in (_MERCHANT, _MERCHANT_STATUS, _FEE_PLAN, _FEE_RULE):
        op.execute(statement)
    # What a merchant was charged by is history: a change is a new version.
    op.execute(runtime_schema.revoke("fee_plan", "UPDATE", "DELETE"))
    op.execute(runtime_schema.revoke("fee_rule", "UPDATE", "DELETE"))


def downgrade() -> None:
    raise NotImplementedError("versions of the database only go forward")
