"""The SQL of merchants' funds, a projection of accounting.events, and of refunds that the ledger has not booked yet.

Who restricts refunds by funds holds the row of `merchant_funds` while it counts them.
"""

from collections.abc import Collection, Mapping, Sequence

from paykit.postgres.database import Tx
from paykit.postgres.table import Table
from paykit.work import Rows
from paystream.merchant.v1.events import RefundPolicy
from services.payment.domain.funds import FundsPolicy, MerchantCurrency, MerchantFunds
from services.payment.domain.refund import Refund

PAIRS_MAX = 50
"""Merchants and currencies whose refunds are looked at for release in one go."""
RELEASED_MAX = 100
"""Refunds of one of them that are released in one transaction."""

# One row for each merchant and currency that a batch of transactions touched; the inbox keeps what was followed before
# away.
_FOLLOW = """
INSERT INTO merchant_funds AS old (merchant_id, currency_code, funds_minor)
SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[])
ON CONFLICT (merchant_id, currency_code) DO UPDATE SET funds_minor = old.funds_minor + excluded.funds_minor
"""

_ENSURE = """
INSERT INTO merchant_funds (merchant_id, currency_code, funds_minor)
SELECT merchant_id, currency_code, 0 FROM unnest($1::text[], $2::text[]) AS wanted (merchant_id, currency_code)
ORDER BY merchant_id, currency_code
ON CONFLICT DO NOTHING
"""

_SELECT_POLICIES = """
SELECT merchant_id, currency_code, refund_policy, (refund_limits ->> currency_code)::bigint AS limit_minor
FROM unnest($1::text[], $2::text[]) AS wanted (merchant_id, currency_code) JOIN merchant USING (merchant_id)
"""

_FORGET_FAILED = """
DELETE FROM refund_hold hold USING refund, unnest($1::text[], $2::text[]) AS wanted (merchant_id, currency_code)
WHERE (hold.merchant_id, hold.currency_code) = (wanted.merchant_id, wanted.currency_code)
    AND refund.refund_id = hold.refund_id AND refund.state = 'FAILED'
"""

_SELECT_UNBOOKED = """
SELECT hold.merchant_id, hold.currency_code,
    coalesce(sum(hold.needed_minor) FILTER (WHERE refund.state <> 'QUEUED'), 0)::bigint AS unbooked_minor,
    bool_or(refund.state = 'QUEUED') AS waiting
FROM unnest($1::text[], $2::text[]) AS wanted (merchant_id, currency_code)
JOIN refund_hold hold USING (merchant_id, currency_code) JOIN refund USING (refund_id)
GROUP BY hold.merchant_id, hold.currency_code
"""

_HOLD = """
INSERT INTO refund_hold (refund_id, merchant_id, currency_code, needed_minor)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) ON CONFLICT DO NOTHING
"""

_BOOKED = "DELETE FROM refund_hold WHERE refund_id = ANY($1::text[])"

_SELECT_WAITING = """
SELECT DISTINCT merchant_id, currency_code FROM refund
WHERE state = 'QUEUED' AND (merchant_id, currency_code) > ($1, $2)
ORDER BY merchant_id, currency_code LIMIT $3
"""

_SELECT_QUEUED = """
SELECT refund_id, payment_id FROM refund WHERE {bounds}state = 'QUEUED' AND merchant_id = $1 AND currency_code = $2
ORDER BY create_time, refund_id LIMIT $3
"""

funds: Table[MerchantCurrency, MerchantFunds] = Table(
    MerchantFunds, "merchant_funds", key=("merchant_id", "currency_code")
)


async def follow(tx: Tx, effects: Mapping[MerchantCurrency, int]) -> None:
    """Add what the ledger did to funds; effects that add up to 0 leave a row too, however events come in batches."""
    if effects:
        changes = dict(sorted(effects.items()))
        await tx.run(_FOLLOW, *_transposed(changes), list(changes.values()))


async def policies(tx: Tx, wanted: Collection[MerchantCurrency]) -> dict[MerchantCurrency, FundsPolicy]:
    """Read what the terms of merchants say of refunds, by merchant and currency."""
    if not wanted:
        return {}
    return {
        (row["merchant_id"], row["currency_code"]): FundsPolicy(
            refund_policy=RefundPolicy(row["refund_policy"]), limit_minor=row["limit_minor"]
        )
        for row in await tx.fetch(_SELECT_POLICIES, *_transposed(sorted(wanted)))
    }


async def lock_funds(tx: Tx, wanted: Collection[MerchantCurrency]) -> Rows[MerchantCurrency, MerchantFunds]:
    """Lock the funds of merchants, which begin at 0 where nothing was told of them."""
    if wanted:
        await tx.run(_ENSURE, *_transposed(sorted(wanted)))
    return await funds.lock(tx, wanted)


async def unbooked(tx: Tx, wanted: Collection[MerchantCurrency]) -> dict[MerchantCurrency, tuple[int, bool]]:
    """Read what refunds under way take of locked funds, and whether others wait; nothing where there is neither."""
    if not wanted:
        return {}
    await tx.run(_FORGET_FAILED, *_transposed(sorted(wanted)))
    rows = await tx.fetch(_SELECT_UNBOOKED, *_transposed(sorted(wanted)))
    return {(row["merchant_id"], row["currency_code"]): (row["unbooked_minor"], row["waiting"]) for row in rows}


async def hold_refunds(tx: Tx, refunds: Sequence[Refund]) -> None:
    """Count new refunds until the ledger has booked them."""
    if refunds:
        ordered = sorted(refunds, key=lambda refund: refund.refund_id)
        await tx.run(
            _HOLD,
            [refund.refund_id for refund in ordered],
            [refund.merchant_id for refund in ordered],
            [refund.currency_code for refund in ordered],
            [refund.amount_minor - refund.fee_returned_minor for refund in ordered],
        )


async def forget_booked(tx: Tx, refund_ids: Collection[str]) -> None:
    """Count refunds no more that the ledger has booked."""
    if refund_ids:
        await tx.run(_BOOKED, sorted(refund_ids))


async def waiting(tx: Tx, after: MerchantCurrency = ("", "")) -> list[MerchantCurrency]:
    """Read whose refunds wait for funds, in order from after one on, at most PAIRS_MAX."""
    return [(row["merchant_id"], row["currency_code"]) for row in await tx.fetch(_SELECT_WAITING, *after, PAIRS_MAX)]


async def queued(tx: Tx, key: MerchantCurrency) -> dict[str, str]:
    """Read the payments of refunds that wait and that `tx.claims` allows, by refund, oldest first.

    There are RELEASED_MAX at most.
    """
    bounds, keys = tx.claims.bounds(("refund_id",), first=4)
    rows = await tx.fetch(_SELECT_QUEUED.format(bounds=bounds), *key, RELEASED_MAX, *keys)
    tx.claims.take(row["refund_id"] for row in rows)
    return {row["refund_id"]: row["payment_id"] for row in rows}


def _transposed(keys: Collection[MerchantCurrency]) -> list[list[str]]:
    return [[key[0] for key in keys], [key[1] for key in keys]]
