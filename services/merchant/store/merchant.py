"""The SQL of merchants, each read with the fee plan in force."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from paykit.cause import NO_CALL, CreatingCall
from paykit.paging import TimeKey
from paykit.postgres.database import Tx
from paykit.postgres.lists.walk import Found, Walk
from paykit.postgres.table import Table
from paykit.reasons.stated_reason import NOT_STATED, StatedReason
from paykit.work import Rows
from paystream.merchant.v1.events import MerchantStatus, RefundLimit, SettlementPolicy, SettlementThreshold
from services.merchant.domain.merchant import ANY_REFUND, PLAIN, Merchant, Presentation, RefundTerms, Restrictions
from services.merchant.store.fee_plan import fee_plans


@dataclass(frozen=True, slots=True, kw_only=True)
class MerchantFilter:
    """What ListMerchants selects; None selects all.

    Attributes:
        create_time_before, update_time_before: Exclusive; other bounds belong to their range.
    """

    status: MerchantStatus | None = None
    country_code: str | None = None
    contact_email: str | None = None
    create_time_min: datetime | None = None
    create_time_before: datetime | None = None
    update_time_min: datetime | None = None
    update_time_before: datetime | None = None
    oldest_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MerchantRow:
    """A row of `merchant`; the fee plan in force stands in its own tables."""

    merchant_id: str
    display_name: str
    status: MerchantStatus
    country_code: str | None
    contact_email: str
    fee_plan_version: int
    settlement_policy: SettlementPolicy
    create_time: datetime
    update_time: datetime
    version: int
    restrictions: Restrictions
    refund_terms: RefundTerms = ANY_REFUND
    presentation: Presentation = PLAIN
    stated: StatedReason = NOT_STATED
    creating_call: CreatingCall = NO_CALL


def _thresholds_json(row: MerchantRow) -> str:
    thresholds = row.settlement_policy.thresholds
    return json.dumps({threshold.currency_code: threshold.threshold_minor for threshold in thresholds})


def _limits_json(row: MerchantRow) -> str:
    return json.dumps({limit.currency_code: limit.limit_minor for limit in row.refund_terms.refund_limits})


def _limits(amounts: Mapping[str, int]) -> tuple[RefundLimit, ...]:
    return tuple(RefundLimit(currency_code=code, limit_minor=amount_minor) for code, amount_minor in amounts.items())


def _thresholds(amounts: Mapping[str, int]) -> tuple[SettlementThreshold, ...]:
    # jsonb keeps keys by length, then bytes: for codes of three letters that is already their order.
    return tuple(
        SettlementThreshold(currency_code=code, threshold_minor=amount_minor) for code, amount_minor in amounts.items()
    )


_table: Table[str, MerchantRow] = Table(
    MerchantRow,
    "merchant",
    key="merchant_id",
    changing=(
        *("display_name", "status", "country_code", "contact_email", "fee_plan_version", "settlement_policy"),
        *("refund_terms", "restrictions", "presentation", "stated", "update_time", "version"),
    ),
    sql_types={"thresholds": "jsonb", "refund_limits": "jsonb"},
    readers={"thresholds": _thresholds, "refund_limits": _limits},
    writers={"thresholds": _thresholds_json, "refund_limits": _limits_json},
)


merchant_walk = Walk(_table, scopes=(("status",), ()))


class Merchants:
    """The table `merchant`, joined with the fee plan in force."""

    def key_of(self, merchant: Merchant, /) -> str:
        """Return the id."""
        return merchant.merchant_id

    quoted, key = _table.quoted, _table.key

    async def get(self, tx: Tx, merchant_id: str) -> Merchant | None:
        """Read one merchant."""
        return (await self.by_key(tx, [merchant_id])).get(merchant_id)

    async def by_key(self, tx: Tx, merchant_ids: Collection[str]) -> dict[str, Merchant]:
        """Read merchants; those that are not there are left out."""
        return await _with_plans(tx, (await _table.by_key(tx, merchant_ids)).values())

    async def lock(self, tx: Tx, merchant_ids: Iterable[str]) -> Rows[str, Merchant]:
        """Lock the merchants that exist, in the order of their ids."""
        # Fee plans are read by a statement of their own: PostgreSQL reads a row anew when another transaction changed
        # it while we waited for its lock, but not the rows joined to it, so a new version of the plan would be missed.
        locked = await _table.lock(tx, merchant_ids)
        return self.rows(tx, await _with_plans(tx, list(locked.values())))

    def rows(self, tx: Tx, merchants: Mapping[str, Merchant] | None = None) -> Rows[str, Merchant]:
        """Begin a unit of work with merchants that are locked, or none."""
        return tx.track(Rows(self, merchants, on_new=tx.hold))

    async def insert(self, tx: Tx, merchants: Sequence[Merchant], /) -> None:
        """Insert merchants, whose fee plans are rows of their own."""
        await _table.insert(tx, [_row(merchant) for merchant in merchants])

    async def update(self, tx: Tx, merchants: Sequence[Merchant], /) -> None:
        """Write locked merchants back, each at most once."""
        await _table.update(tx, [_row(merchant) for merchant in merchants])

    async def list(self, tx: Tx, selection: MerchantFilter, *, after: TimeKey | None, limit: int) -> Found[Merchant]:
        """List merchants as asked for, from after a (create_time, merchant_id) on."""
        found = await merchant_walk.page(tx, selection, after=after, limit=limit)
        return Found([*(await _with_plans(tx, found.rows)).values()], found.walked_to)


merchants = Merchants()


def _row(merchant: Merchant) -> MerchantRow:
    return MerchantRow(
        merchant_id=merchant.merchant_id,
        display_name=merchant.display_name,
        status=merchant.status,
        country_code=merchant.country_code,
        contact_email=merchant.contact_email,
        fee_plan_version=merchant.fee_plan.version,
        settlement_policy=merchant.settlement_policy,
        create_time=merchant.create_time,
        update_time=merchant.update_time,
        version=merchant.version,
        refund_terms=merchant.refund_terms,
        restrictions=merchant.restrictions,
        presentation=merchant.presentation,
        stated=merchant.stated,
        creating_call=merchant.creating_call,
    )


async def _with_plans(tx: Tx, rows: Collection[MerchantRow]) -> dict[str, Merchant]:
    plans = await fee_plans.with_rules(tx, [(row.merchant_id, row.fee_plan_version) for row in rows])
    return {
        row.merchant_id: Merchant(
            merchant_id=row.merchant_id,
            display_name=row.display_name,
            status=row.status,
            country_code=row.country_code,
            contact_email=row.contact_email,
            fee_plan=plans[row.merchant_id, row.fee_plan_version],
            settlement_policy=row.settlement_policy,
            create_time=row.create_time,
            update_time=row.update_time,
            version=row.version,
            refund_terms=row.refund_terms,
            restrictions=row.restrictions,
            presentation=row.presentation,
            stated=row.stated,
            creating_call=row.creating_call,
        )
        for row in rows
    }
