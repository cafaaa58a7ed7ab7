"""What settlement knows of merchants: their policies, a projection of merchant.events."""

import json
from collections.abc import Collection
from datetime import time
from functools import lru_cache

import structlog

from paykit.calendars import is_known
from paykit.merchants.projection import Column, MerchantEvent, MerchantProjection
from paykit.merchants.standing import STOPPED, MerchantStanding
from paykit.postgres.database import Tx
from paystream.merchant.v1.events import ReserveBase, SettlementSchedule
from services.settlement.domain.policy import ZONE_UNKNOWN, Policy, knows_zone

POLICIES_MAX = 10_000
"""Different policies kept in memory; merchants with the same one share it."""


def _thresholds_text(event: MerchantEvent) -> str:
    thresholds = event.settlement_policy.thresholds
    return json.dumps({threshold.currency_code: threshold.threshold_minor for threshold in thresholds})


_POLICY = (
    Column("schedule", "text", lambda event: event.settlement_policy.schedule),
    Column("cut_off_time", "text", lambda event: event.settlement_policy.cut_off_time),
    Column("cut_off_weekday", "smallint", lambda event: event.settlement_policy.cut_off_weekday),
    Column("time_zone", "text", lambda event: event.settlement_policy.time_zone),
    Column("delay_days", "smallint", lambda event: event.settlement_policy.delay_days),
    Column("thresholds", "text", _thresholds_text),
    Column("reserve_basis_points", "integer", lambda event: event.settlement_policy.reserve_basis_points),
    Column("reserve_days", "integer", lambda event: event.settlement_policy.reserve_days),
    Column("cut_off_month_day", "smallint", lambda event: event.settlement_policy.cut_off_month_day),
    Column("business_days", "boolean", lambda event: event.settlement_policy.business_days),
    Column("calendar", "text", lambda event: event.settlement_policy.calendar),
    Column("reserve_base", "text", lambda event: event.settlement_policy.reserve_base),
)

_SELECT = f"""
SELECT merchant_id, status, {", ".join(column.name for column in _POLICY)}
FROM merchant WHERE merchant_id = ANY($1::text[])
"""

# A settlement begins to collect by the policy in force, and a change of policy reviews all that collect. The two
# exclude each other: one that begins meanwhile would keep to the old policy unseen. Until the transaction's end.
_LOCK = "hashtextextended('paystream settlement policies', 0)"
_LOCK_SHARED = f"SELECT pg_advisory_xact_lock_shared({_LOCK})"
_LOCK_ALONE = f"SELECT pg_advisory_xact_lock({_LOCK})"

_log = structlog.get_logger()


class MerchantPolicies(MerchantProjection):
    """The table `merchant`."""

    async def policies(self, tx: Tx, merchant_ids: Collection[str]) -> dict[str, Policy]:
        """Read the policies of the merchants that are known; merchants with the same policy share one object."""
        return {row[0]: _policy(*row[1:]) for row in await tx.fetch(_SELECT, list(merchant_ids))}

    async def keep_still(self, tx: Tx) -> None:
        """Have no policy change until this transaction ends."""
        await tx.fetch(_LOCK_SHARED)

    async def change_alone(self, tx: Tx) -> None:
        """Have no settlement begin to collect until this transaction ends."""
        await tx.fetch(_LOCK_ALONE)


merchants = MerchantPolicies(*_POLICY)


@lru_cache(maxsize=POLICIES_MAX)
def _policy(  # noqa: PLR0917 - a row
    status: str,
    schedule: str,
    cut_off_time: str | None,
    cut_off_weekday: int | None,
    time_zone: str,
    delay_days: int,
    thresholds: str,
    reserve_basis_points: int,
    reserve_days: int,
    cut_off_month_day: int | None,
    business_days: bool,  # noqa: FBT001 - a row
    calendar: str | None,
    reserve_base: str,
) -> Policy:
    if not knows_zone(time_zone):
        # From a merchant service with a newer database of zones. Nothing is lost: what is pending stays so meanwhile.
        _log.error("time_zone_unknown", time_zone=time_zone)
        return ZONE_UNKNOWN
    if calendar is not None and not is_known(calendar):
        # From a merchant service with a newer copy of calendars. Weekends are kept meanwhile.
        _log.error("calendar_unknown", calendar=calendar)
    return Policy(
        schedule=SettlementSchedule(schedule),
        cut_off_time=time.fromisoformat(cut_off_time) if cut_off_time else None,
        cut_off_weekday=cut_off_weekday,
        cut_off_month_day=cut_off_month_day,
        time_zone=time_zone,
        delay_days=delay_days,
        business_days=business_days,
        calendar=calendar,
        thresholds=json.loads(thresholds),
        reserve_basis_points=reserve_basis_points,
        reserve_base=ReserveBase(reserve_base),
        reserve_days=reserve_days,
        hold_reason=MerchantStanding(status) if status in STOPPED else None,
    )
