"""Row (c) of the ledger: how many manual journals batches bring in.

The accounting service runs with role api only: what is told of waits in its outbox. Each journal moves an amount
between a merchant's account and the platform's fees, which are open already, and is below what one may book alone.
"""

from bench import calls, children
from bench.captures import merchant_ids
from bench.ground import Ground, Plot, connected, plot
from services.accounting import store
from services.accounting.domain.chart import account_id

ITEMS = 1_000
CURRENCY = "USD"
LIMITS = '{"*": 9007199254740991}'
"""What one person may book alone: the largest amount, so that no journal is kept for a second one."""

_INSERT_ACCOUNTS = """
INSERT INTO account (account_id, account_kind, merchant_id, currency_code, normal_side, create_time)
SELECT account_id, account_kind, merchant_id, $5, normal_side, now()
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS new (account_id, account_kind, merchant_id, normal_side)
"""


async def measure(ground: Ground, *, seconds: float) -> dict[str, float]:
    """Measure BatchCreateTransactions, a batch after the other for `seconds`; journals/s."""
    async with plot(ground) as own:
        merchants = await _open_accounts(own)
        settings = {"role": "api", "log_level": "warning", "accounting_journal_limits": LIMITS}
        async with children.service(own, "accounting", **settings) as accounting:
            method = "/paystream.accounting.v1.AccountingOperationsService/BatchCreateTransactions"
            # One in flight: what one person books alone within a day is added up under one lock.
            step = calls.step(accounting, method, merchants, 1, seconds, items=ITEMS)
            [result] = await children.load([step], seconds_max=seconds * 2 + 60)
    return {"journals_1000": result["items_per_s"]}


async def _open_accounts(own: Plot) -> list[str]:
    """Open the accounts that journals name; return the merchants."""
    merchants = merchant_ids(calls.MERCHANTS)
    kinds = store.load_chart("merchant_asset").kinds
    settlement, fees = kinds["merchant.settlement"], kinds["platform.fees"]
    opened = [(fees, None), *((settlement, merchant_id) for merchant_id in merchants)]
    async with connected(own.admin_url, schema="accounting") as connection:
        await connection.execute(
            _INSERT_ACCOUNTS,
            [account_id(kind, merchant_id, CURRENCY) for kind, merchant_id in opened],
            [kind.name for kind, _ in opened],
            [merchant_id for _, merchant_id in opened],
            [kind.normal_side for kind, _ in opened],
            CURRENCY,
        )
    return merchants
