"""SQL for the entries of an account: where it is main, where its legs lead to, former ones, and carried sums."""

from services.accounting.store.archive import carried

_NUMBER = "(SELECT account_no FROM account WHERE account_id = $1)"
_SIGN = "(SELECT CASE normal_side WHEN 'DEBIT' THEN 1 ELSE -1 END FROM account WHERE account_id = $1)"

# What a leg leads to, row by row: OFFSET 0 keeps the planner from reading the journal any other way than by position.
LED = """
leg CROSS JOIN LATERAL (
    SELECT unnest(leg.positions)::bigint UNION ALL
    SELECT generate_series(0::bigint, leg.transactions - 1) WHERE leg.positions IS NULL
) AS led (at) CROSS JOIN LATERAL (
    SELECT * FROM journal_line
    WHERE journal_line.month = leg.month AND journal_line.position = leg.batch + led.at
        AND journal_line.account_no = leg.account_no
    OFFSET 0
) AS line
"""

# A leg that lies wholly behind the time counts as it is; only one that the time lies within is taken apart.
_EFFECT_AFTER = """
{sign} * (
    coalesce((SELECT sum(line.debit_minor) FROM journal_line AS line
        WHERE line.main_no = {number} AND line.account_no = {number} AND line.effective_at >= {since} AND {after}), 0)
    + coalesce((SELECT sum(leg.debit_minor) FROM leg
        WHERE leg.account_no = {number} AND leg.last_at >= {since} AND leg.first_at > {since}), 0)
    + coalesce((SELECT sum(line.debit_minor) FROM {led}
        WHERE leg.account_no = {number} AND leg.last_at >= {since} AND leg.first_at <= {since} AND {after}), 0)
    + {carried}
) + coalesce((SELECT sum(line.effect * line.amount_minor) FROM former_entry AS line
    WHERE line.account_id = {account_id} AND {after}), 0)
"""


def effect_after(after: str) -> str:
    """Return the expression of what the entries behind a time did to an account, in minor units.

    $1 is the account's id, $2 the time: none of the entries is earlier, and all that are later are of them. No sum that
    was carried forward of an archived month may lie on both sides of it.

    Args:
        after: The condition on `line` that says which of that time are.
    """
    carried_after = carried.EFFECT_AFTER.format(number=_NUMBER, since="$2")
    return _EFFECT_AFTER.format(
        after=after, since="$2", account_id="$1", number=_NUMBER, sign=_SIGN, led=LED, carried=carried_after
    )
