"""Every statement on merchant's tables. Few merchants change in a second, so all of it is SQLAlchemy Core."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, insert

from paykit.errors import InvariantError
from paykit.postgres.database import Tx
from paystream.merchant.v1.events import (
    FeeRule,
    MerchantStatus,
    SettlementPolicy,
    SettlementSchedule,
    SettlementThreshold,
)
from services.merchant.domain.merchant import FeePlan, Merchant

METADATA = sa.MetaData()
_ID = sa.Text(collation="C")
_TIME = sa.DateTime(timezone=True)

MERCHANT = sa.Table(
    "merchant",
    METADATA,
    sa.Column("merchant_id", _ID, primary_key=True),
    sa.Column("display_name", sa.Text),
    sa.Column("status", sa.Text),
    sa.Column("country_code", sa.Text),
    sa.Column("contact_email", sa.Text),
    sa.Column("fee_plan_version", sa.BigInteger),
    sa.Column("schedule", sa.Text),
    sa.Column("cut_off_time", sa.Text),
    sa.Column("cut_off_weekday", sa.BigInteger),
    sa.Column("time_zone", sa.Text),
    sa.Column("delay_days", sa.BigInteger),
    sa.Column("thresholds", JSONB),
    sa.Column("reserve_basis_points", sa.BigInteger),
    sa.Column("reserve_days", sa.BigInteger),
    sa.Column("create_time", _TIME),
    sa.Column("update_time", _TIME),
    sa.Column("version", sa.BigInteger),
)
FEE_PLAN = sa.Table(
    "fee_plan",
    METADATA,
    sa.Column("merchant_id", _ID, primary_key=True),
    sa.Column("version", sa.BigInteger, primary_key=True),
    sa.Column("refund_fee_returned", sa.Boolean),
    sa.Column("effective_time", _TIME),
)
FEE_RULE = sa.Table(
    "fee_rule",
    METADATA,
    sa.Column("merchant_id", _ID, primary_key=True),
    sa.Column("version", sa.BigInteger, primary_key=True),
    sa.Column("currency_code", _ID, primary_key=True),
    sa.Column("basis_points", sa.BigInteger),
    sa.Column("fixed_minor", sa.BigInteger),
)

_POLICY_SCALARS = ("cut_off_time", "cut_off_weekday", "time_zone", "delay_days", "reserve_basis_points", "reserve_days")

PlanKey = tuple[str, int]
"""merchant_id, version."""


async def lock_merchants(tx: Tx, merchant_ids: Sequence[str]) -> dict[str, Merchant]:
    """Lock the merchants that exist, in the order of their ids, and hold them for events."""
    found = await _load(tx, MERCHANT.c.merchant_id.in_(set(merchant_ids)), lock=True)
    tx.hold(*(merchant.merchant_id for merchant in found))
    return {merchant.merchant_id: merchant for merchant in found}


async def get_merchant(tx: Tx, merchant_id: str) -> Merchant | None:
    """Read one merchant."""
    found = await _load(tx, MERCHANT.c.merchant_id == merchant_id)
    return found[0] if found else None


async def list_merchants(tx: Tx, *, status: MerchantStatus | None, before: str | None, limit: int) -> list[Merchant]:
    """Read merchants from the newest id down, below an id if one is given."""
    conditions = []
    if status is not None:
        conditions.append(MERCHANT.c.status == status)
    if before is not None:
        conditions.append(MERCHANT.c.merchant_id < before)
    return await _load(tx, sa.and_(sa.true(), *conditions), limit=limit)


async def insert_merchants(tx: Tx, merchants: Sequence[Merchant]) -> None:
    """Write new merchants and their fee plans."""
    if merchants:
        rows = [_row(merchant) for merchant in sorted(merchants, key=lambda each: each.merchant_id)]
        await tx.execute(sa.insert(MERCHANT).values(rows))
        tx.hold(*(merchant.merchant_id for merchant in merchants))
        await insert_fee_plans(tx, [(merchant.merchant_id, merchant.fee_plan) for merchant in merchants])


async def save_merchants(tx: Tx, merchants: Sequence[Merchant]) -> None:
    """Overwrite locked merchants, each at most once in the sequence.

    Raises:
        InvariantError: A merchant stands there twice.
    """
    if merchants:
        rows = [_row(merchant) for merchant in sorted(merchants, key=lambda each: each.merchant_id)]
        # One statement for any number of rows; they exist and are locked, so the insert always becomes an update.
        upsert = insert(MERCHANT).values(rows)
        changes = {column.name: upsert.excluded[column.name] for column in MERCHANT.c if not column.primary_key}
        changed = await tx.execute(upsert.on_conflict_do_update(index_elements=["merchant_id"], set_=changes))
        if changed != len({merchant.merchant_id for merchant in merchants}):
            raise InvariantError(f"{changed} rows changed for {len(merchants)} merchants")


async def insert_fee_plans(tx: Tx, plans: Sequence[tuple[str, FeePlan]]) -> None:
    """Write new versions of fee plans, given with their merchants' ids."""
    if not plans:
        return
    ordered = sorted(plans, key=lambda each: (each[0], each[1].version))
    await tx.execute(sa.insert(FEE_PLAN).values([_plan_row(*each) for each in ordered]))
    rules = [
        {"merchant_id": merchant_id, "version": plan.version, **fee.as_record()}
        for merchant_id, plan in ordered
        for fee in plan.fees
    ]
    if rules:
        await tx.execute(sa.insert(FEE_RULE).values(rules))


async def list_fee_plans(tx: Tx, merchant_id: str, *, before: int | None, limit: int) -> list[FeePlan]:
    """Read the versions of a merchant's fee plan from the newest down, below a version if one is given."""
    condition = FEE_PLAN.c.merchant_id == merchant_id
    if before is not None:
        condition = sa.and_(condition, FEE_PLAN.c.version < before)
    statement = sa.select(FEE_PLAN).where(condition).order_by(FEE_PLAN.c.version.desc()).limit(limit)
    rows = await tx.select(statement)
    rules = await _rules(tx, [(row.merchant_id, row.version) for row in rows])
    return [_plan(row._asdict(), rules) for row in rows]


async def _load(
    tx: Tx, condition: sa.ColumnElement[bool], *, lock: bool = False, limit: int | None = None
) -> list[Merchant]:
    """Read merchants with their fee plans: ascending by id when they are locked, else the newest first."""
    in_force = sa.and_(
        FEE_PLAN.c.merchant_id == MERCHANT.c.merchant_id, FEE_PLAN.c.version == MERCHANT.c.fee_plan_version
    )
    plan = [FEE_PLAN.c.refund_fee_returned, FEE_PLAN.c.effective_time]
    statement = sa.select(MERCHANT, *plan).join(FEE_PLAN, in_force).where(condition).limit(limit)
    if lock:
        # Locked first, read after: PostgreSQL reads a row anew when another transaction changed it while we waited
        # for its lock, but not the rows joined to it, so a new version of the fee plan would be missed.
        locking = sa.select(MERCHANT.c.merchant_id).where(condition).order_by(MERCHANT.c.merchant_id)
        await tx.select(locking.with_for_update())
    else:
        statement = statement.order_by(MERCHANT.c.merchant_id.desc())
    rows = await tx.select(statement)
    rules = await _rules(tx, [(row.merchant_id, row.fee_plan_version) for row in rows])
    return [_merchant(row._asdict(), rules) for row in rows]


async def _rules(tx: Tx, keys: Sequence[PlanKey]) -> dict[PlanKey, tuple[FeeRule, ...]]:
    if not keys:
        return {}
    key = sa.tuple_(FEE_RULE.c.merchant_id, FEE_RULE.c.version)
    statement = sa.select(FEE_RULE).where(key.in_(keys))
    rows = await tx.select(statement.order_by(FEE_RULE.c.merchant_id, FEE_RULE.c.version, FEE_RULE.c.currency_code))
    grouped = groupby(rows, key=lambda row: (row.merchant_id, row.version))
    return {plan: tuple(FeeRule.from_record(row._asdict()) for row in group) for plan, group in grouped}


def _row(merchant: Merchant) -> dict[str, Any]:
    policy = merchant.settlement_policy
    return {
        "merchant_id": merchant.merchant_id,
        "display_name": merchant.display_name,
        "status": merchant.status,
        "country_code": merchant.country_code,
        "contact_email": merchant.contact_email,
        "fee_plan_version": merchant.fee_plan.version,
        "schedule": policy.schedule,
        **{name: getattr(policy, name) for name in _POLICY_SCALARS},
        "thresholds": {each.currency_code: each.threshold_minor for each in policy.thresholds},
        "create_time": merchant.create_time,
        "update_time": merchant.update_time,
        "version": merchant.version,
    }


def _plan_row(merchant_id: str, plan: FeePlan) -> dict[str, Any]:
    return {
        "merchant_id": merchant_id,
        "version": plan.version,
        "refund_fee_returned": plan.refund_fee_returned,
        "effective_time": plan.effective_time,
    }


def _merchant(row: Mapping[str, Any], rules: Mapping[PlanKey, tuple[FeeRule, ...]]) -> Merchant:
    return Merchant(
        merchant_id=row["merchant_id"],
        display_name=row["display_name"],
        status=MerchantStatus(row["status"]),
        country_code=row["country_code"],
        contact_email=row["contact_email"],
        fee_plan=_plan({**row, "version": row["fee_plan_version"]}, rules),
        settlement_policy=_policy(row),
        create_time=row["create_time"],
        update_time=row["update_time"],
        version=row["version"],
    )


def _plan(row: Mapping[str, Any], rules: Mapping[PlanKey, tuple[FeeRule, ...]]) -> FeePlan:
    return FeePlan(
        version=row["version"],
        fees=rules.get((row["merchant_id"], row["version"]), ()),
        refund_fee_returned=row["refund_fee_returned"],
        effective_time=row["effective_time"],
    )


def _policy(row: Mapping[str, Any]) -> SettlementPolicy:
    # jsonb keeps keys by length, then bytes: for codes of three letters that is already their order.
    thresholds = [
        SettlementThreshold(currency_code=code, threshold_minor=amount) for code, amount in row["thresholds"].items()
    ]
    return SettlementPolicy(
        schedule=SettlementSchedule(row["schedule"]),
        thresholds=tuple(thresholds),
        **{name: row[name] for name in _POLICY_SCALARS},
    )
