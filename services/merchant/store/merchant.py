"""The SQL of merchants, each read with the fee plan in force."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from paykit.postgres.database import Tx
from paykit.postgres.table import Table, where
from paykit.work import Rows
from paystream.merchant.v1.events import MerchantStatus, SettlementPolicy, SettlementSchedule, SettlementThreshold
from services.merchant.domain.merchant import Merchant
from services.merchant.store.fee_plan import fee_plans


@dataclass(frozen=True, slots=True, kw_only=True)
class MerchantRow:
    """A row of `merchant`; the fee plan in force stands in its own tables.

    Attributes:
        thresholds: JSON of an object: amounts in minor units by currency.
    """

    merchant_id: str
    display_name: str
    status: MerchantStatus
    country_code: str | None
    contact_email: str
    fee_plan_version: int
    schedule: SettlementSchedule
    cut_off_time: str | None
    cut_off_weekday: int | None
    time_zone: str
    delay_days: int
    thresholds: str
    reserve_basis_points: int
    reserve_days: int
    create_time: datetime
    update_time: datetime
    version: int


_table: Table[str, MerchantRow] = Table(
    MerchantRow,
    "merchant",
    key="merchant_id",
    changing=(
        *("display_name", "status", "country_code", "contact_email", "fee_plan_version", "update_time", "version"),
        *("schedule", "cut_off_time", "cut_off_weekday", "time_zone", "delay_days", "thresholds"),
        *("reserve_basis_points", "reserve_days"),
    ),
    sql_types={"thresholds": "jsonb"},
    readers={"thresholds": json.dumps},  # The driver takes JSON as text, and gives it parsed.
)


class Merchants:
    """The table `merchant`, joined with the fee plan in force."""

    def key_of(self, merchant: Merchant, /) -> str:
        """Return the id."""
        return merchant.merchant_id

    async def get(self, tx: Tx, merchant_id: str) -> Merchant | None:
        """Read one merchant."""
        rows = await _table.by_key(tx, [merchant_id])
        return (await _with_plans(tx, rows.values())).get(merchant_id)

    async def list(self, tx: Tx, status: MerchantStatus | None, *, after: str | None, limit: int) -> list[Merchant]:
        """Read merchants from the newest id down, below an id if one is given."""
        condition, args = where(("status = {}", status), ("merchant_id < {}", after))
        order = f"ORDER BY merchant_id DESC LIMIT ${len(args) + 1}"
        rows = await _table.select(tx, f"{condition} {order}", *args, limit)
        return list((await _with_plans(tx, rows)).values())

    async def lock(self, tx: Tx, merchant_ids: Iterable[str]) -> Rows[str, Merchant]:
        """Lock the merchants that exist, in the order of their ids."""
        # Fee plans are read by a statement of their own: PostgreSQL reads a row anew when another transaction changed
        # it while we waited for its lock, but not the rows joined to it, so a new version of the plan would be missed.
        locked = await _table.lock(tx, merchant_ids)
        return self.rows(tx, await _with_plans(tx, locked.values()))

    def rows(self, tx: Tx, merchants: dict[str, Merchant] | None = None) -> Rows[str, Merchant]:
        """Begin a unit of work with merchants that are locked, or none."""
        return tx.track(Rows(self, merchants, on_new=tx.hold))

    async def insert(self, tx: Tx, merchants: Sequence[Merchant], /) -> None:
        """Insert merchants, whose fee plans are rows of their own."""
        await _table.insert(tx, [_row(merchant) for merchant in merchants])

    async def update(self, tx: Tx, merchants: Sequence[Merchant], /) -> None:
        """Write locked merchants back, each at most once."""
        await _table.update(tx, [_row(merchant) for merchant in merchants])


merchants = Merchants()


async def _with_plans(tx: Tx, rows: Iterable[MerchantRow]) -> dict[str, Merchant]:
    plans = await fee_plans.with_rules(tx, [(row.merchant_id, row.fee_plan_version) for row in rows])
    return {
        row.merchant_id: Merchant(
            merchant_id=row.merchant_id,
            display_name=row.display_name,
            status=row.status,
            country_code=row.country_code,
            contact_email=row.contact_email,
            fee_plan=plans[row.merchant_id, row.fee_plan_version],
            settlement_policy=_policy(row),
            create_time=row.create_time,
            update_time=row.update_time,
            version=row.version,
        )
        for row in rows
    }


def _row(merchant: Merchant) -> MerchantRow:
    policy = merchant.settlement_policy
    return MerchantRow(
        merchant_id=merchant.merchant_id,
        display_name=merchant.display_name,
        status=merchant.status,
        country_code=merchant.country_code,
        contact_email=merchant.contact_email,
        fee_plan_version=merchant.fee_plan.version,
        schedule=policy.schedule,
        cut_off_time=policy.cut_off_time,
        cut_off_weekday=policy.cut_off_weekday,
        time_zone=policy.time_zone,
        delay_days=policy.delay_days,
        thresholds=json.dumps({threshold.currency_code: threshold.threshold_minor for threshold in policy.thresholds}),
        reserve_basis_points=policy.reserve_basis_points,
        reserve_days=policy.reserve_days,
        create_time=merchant.create_time,
        update_time=merchant.update_time,
        version=merchant.version,
    )


def _policy(row: MerchantRow) -> SettlementPolicy:
    # jsonb keeps keys by length, then bytes: for codes of three letters that is already their order.
    thresholds = json.loads(row.thresholds).items()
    return SettlementPolicy(
        schedule=row.schedule,
        cut_off_time=row.cut_off_time,
        cut_off_weekday=row.cut_off_weekday,
        time_zone=row.time_zone,
        delay_days=row.delay_days,
        thresholds=tuple(
            SettlementThreshold(currency_code=code, threshold_minor=amount_minor) for code, amount_minor in thresholds
        ),
        reserve_basis_points=row.reserve_basis_points,
        reserve_days=row.reserve_days,
    )
