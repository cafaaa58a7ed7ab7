"""What is right and yet asks for a person: held settlements, negative balances, reserves and transfers without an end.

`paystream settlement verify` names them beside what it checks.
"""

from paykit.merchants.standing import STOPPED
from paykit.postgres.database import Tx
from paykit.verification import Notice

NOTICES_MAX = 100
"""Named of each kind."""
ANSWER_WITHIN_S = 3_600
"""Business time after which a transfer that the ledger has not answered is named, and a reserve that is overdue."""

# Each reads (subject, detail).

_HELD = """
SELECT settlement.merchant_id || ' ' || currency_code AS subject,
    sum(total_minor) || ' pending of a merchant that is ' || merchant.status AS detail
FROM settlement JOIN merchant USING (merchant_id)
WHERE settlement.state = 'PENDING' AND merchant.status = ANY($1::text[])
GROUP BY settlement.merchant_id, currency_code, merchant.status
HAVING sum(total_minor) <> 0
ORDER BY 1 LIMIT $2
"""

_NEGATIVE = """
SELECT key.merchant_id || ' ' || key.currency_code AS subject,
    'settlement ' || coalesce(unbooked.minor, 0) || ', available ' || coalesce(balance.available_minor, 0)
        || ', reserve ' || coalesce(balance.reserve_minor, 0) || ', owes ' || coalesce(balance.receivable_minor, 0)
    AS detail
FROM (
    SELECT merchant_id, currency_code FROM merchant_balance
    UNION
    SELECT merchant_id, currency_code FROM settlement WHERE state IN ('PENDING', 'CREATED')
) AS key
LEFT JOIN merchant_balance AS balance USING (merchant_id, currency_code)
LEFT JOIN (
    SELECT merchant_id, currency_code, sum(total_minor) AS minor
    FROM settlement WHERE state IN ('PENDING', 'CREATED') GROUP BY merchant_id, currency_code
) AS unbooked USING (merchant_id, currency_code)
WHERE coalesce(unbooked.minor, 0) < 0 OR coalesce(balance.receivable_minor, 0) > 0
ORDER BY 1 LIMIT $1
"""

_ENDLESS = """
SELECT settlement_id AS subject,
    reserve_held_minor - released_minor - consumed_minor || ' in reserve, to be released '
        || to_char(reserve_release_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
        || coalesce(', last refused for ' || reserve_refusal, '') AS detail
FROM settlement
WHERE state = 'COMPLETED' AND released_minor + consumed_minor < reserve_held_minor
    AND (reserve_due_at < $1::timestamptz - $2 * interval '1 s' OR reserve_due_at IS NULL AND NOT EXISTS (
        SELECT FROM fund_transfer AS moving
        WHERE moving.settlement_id = settlement.settlement_id AND moving.state = 'REQUESTED'))
ORDER BY reserve_release_at LIMIT $3
"""

_RESERVES = """
SELECT merchant_id || ' ' || currency_code AS subject,
    'settlements hold ' || coalesce(held.minor, 0) || ' in reserve, the ledger '
        || coalesce(balance.reserve_minor, 0) AS detail
FROM (
    SELECT merchant_id, currency_code, sum(reserve_held_minor - released_minor - consumed_minor) AS minor
    FROM settlement WHERE state = 'COMPLETED' AND released_minor + consumed_minor < reserve_held_minor
    GROUP BY merchant_id, currency_code
) AS held FULL JOIN merchant_balance AS balance USING (merchant_id, currency_code)
WHERE coalesce(held.minor, 0) <> coalesce(balance.reserve_minor, 0)
ORDER BY 1 LIMIT $1
"""

_UNANSWERED = """
SELECT transfer_id AS subject,
    settlement_minor + receivable_minor || ' ' || currency_code || ' of ' || merchant_id
        || ', asked of the ledger and not answered' AS detail
FROM fund_transfer WHERE state = 'REQUESTED' AND create_time < $1::timestamptz - $2 * interval '1 s'
ORDER BY create_time LIMIT $3
"""


async def notices(tx: Tx) -> list[Notice]:
    """Read what asks for a person, NOTICES_MAX of each kind at most."""
    found = [
        *(Notice("held", *row) for row in await tx.fetch(_HELD, list(STOPPED), NOTICES_MAX)),
        *(Notice("negative", *row) for row in await tx.fetch(_NEGATIVE, NOTICES_MAX)),
        *(Notice("reserve", *row) for row in await tx.fetch(_ENDLESS, tx.now, ANSWER_WITHIN_S, NOTICES_MAX)),
        *(Notice("reserve", *row) for row in await tx.fetch(_RESERVES, NOTICES_MAX)),
    ]
    return [
        *found,
        *(Notice("transfer", *row) for row in await tx.fetch(_UNANSWERED, tx.now, ANSWER_WITHIN_S, NOTICES_MAX)),
    ]
