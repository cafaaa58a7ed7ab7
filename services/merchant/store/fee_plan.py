"""The SQL of fee plans: each version with its rules, written once and never changed."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from paykit.postgres.database import Tx
from paykit.postgres.table import Table, where
from paystream.merchant.v1.events import FeeRule
from services.merchant.domain.fee_plan import FeePlan

PlanKey = tuple[str, int]
"""merchant_id, version."""

_RULE_COLUMNS = ("merchant_id", "version", "currency_code", "basis_points", "fixed_minor", "dispute_fee_minor")

# A plan stands there once for each of its rules; one without rules once, with no currency.
_SELECT = """
SELECT merchant_id, version, refund_fee_returned, default_basis_points, free, effective_time, currency_code,
    basis_points, fixed_minor, dispute_fee_minor
FROM fee_plan LEFT JOIN fee_rule USING (merchant_id, version)
WHERE (merchant_id, version) IN (SELECT * FROM unnest($1::text[], $2::bigint[]))
ORDER BY merchant_id, version, currency_code
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeePlanRow:
    """A version of a merchant's fee plan; its rules stand in `fee_rule`."""

    merchant_id: str
    version: int
    refund_fee_returned: bool
    default_basis_points: int | None
    free: bool
    effective_time: datetime
    fees: tuple[FeeRule, ...] = ()

    @classmethod
    def of(cls, merchant_id: str, plan: FeePlan) -> "FeePlanRow":
        """Make the row of a merchant's plan."""
        return cls(
            merchant_id=merchant_id,
            version=plan.version,
            refund_fee_returned=plan.refund_fee_returned,
            default_basis_points=plan.default_basis_points,
            free=plan.free,
            effective_time=plan.effective_time,
            fees=plan.fees,
        )


class FeePlans(Table[PlanKey, FeePlanRow]):
    """The tables `fee_plan` and `fee_rule`."""

    async def insert(self, tx: Tx, rows: Sequence[FeePlanRow]) -> None:
        """Insert versions with their rules, in the order of their keys."""
        await super().insert(tx, rows)
        rules = [
            (
                *(row.merchant_id, row.version, fee.currency_code, fee.basis_points, fee.fixed_minor),
                fee.dispute_fee_minor,
            )
            for row in sorted(rows, key=self.key_of)
            for fee in row.fees
        ]
        if rules:
            await tx.copy("fee_rule", _RULE_COLUMNS, rules)

    async def with_rules(self, tx: Tx, keys: Collection[PlanKey]) -> dict[PlanKey, FeePlan]:
        """Read versions with their rules."""
        if not keys:
            return {}
        rows = await tx.fetch(_SELECT, [key[0] for key in keys], [key[1] for key in keys])
        return {key: _plan(list(lines)) for key, lines in groupby(rows, key=itemgetter("merchant_id", "version"))}

    async def list(self, tx: Tx, merchant_id: str, *, after: int | None, limit: int) -> list[FeePlan]:
        """Read the versions of a merchant's fee plan from the newest down, below a version if one is given."""
        condition, args = where(("merchant_id = {}", merchant_id), ("version < {}", after))
        rows = await self.select(tx, f"{condition} ORDER BY version DESC LIMIT ${len(args) + 1}", *args, limit)
        plans = await self.with_rules(tx, [(row.merchant_id, row.version) for row in rows])
        return [plans[row.merchant_id, row.version] for row in rows]


fee_plans = FeePlans(FeePlanRow, "fee_plan", key=("merchant_id", "version"), without=("fees",))


def _plan(lines: Sequence[Any]) -> FeePlan:
    fees = [
        FeeRule(
            currency_code=line["currency_code"],
            basis_points=line["basis_points"],
            fixed_minor=line["fixed_minor"],
            dispute_fee_minor=line["dispute_fee_minor"],
        )
        for line in lines
        if line["currency_code"] is not None
    ]
    return FeePlan(
        version=lines[0]["version"],
        fees=tuple(fees),
        refund_fee_returned=lines[0]["refund_fee_returned"],
        default_basis_points=lines[0]["default_basis_points"],
        free=lines[0]["free"],
        effective_time=lines[0]["effective_time"],
    )
