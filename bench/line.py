"""Row (f): what CreateOrder and CreateWithdrawal cost beside a bare echo, as row (c) for CreatePayment.

Both services run with role api only. Withdrawals are asked for by many merchants, and by one, whose requests all wait
for one balance.
"""

from collections.abc import Sequence
from typing import Any

from bench import children
from bench.captures import merchant_ids
from bench.echo import METHOD as ECHO
from bench.ground import Ground, Plot, connected, plot
from paykit import ids

CREATE_ORDER = "/paystream.order.v1.OrderService/CreateOrder"
CREATE_WITHDRAWAL = "/paystream.withdrawal.v1.WithdrawalService/CreateWithdrawal"
IN_FLIGHT = 64
MERCHANTS = 100
CALLS_PER_S_MAX = 6_000
NO_LIMIT = '{"*": 9007199254740991}'

_ORDER_MERCHANTS = """
INSERT INTO merchant (merchant_id, status, aggregate_version) SELECT merchant_id, 'ACTIVE', 1
FROM unnest($1::text[]) AS merchant_id
"""
_WITHDRAWAL_MERCHANTS = """
INSERT INTO merchant (merchant_id, status, aggregate_version) SELECT merchant_id, 'ACTIVE', 1
FROM unnest($1::text[]) AS merchant_id
"""
_FUNDS = """
INSERT INTO credit_total (merchant_id, currency_code, total_minor) SELECT merchant_id, 'USD', 1e15
FROM unnest($1::text[]) AS merchant_id
"""
_BANK_ACCOUNTS = """
INSERT INTO bank_account
    (bank_account_id, merchant_id, currency_code, token, last_four, state, create_time, update_time)
SELECT bank_account_id, merchant_id, 'USD', 'tok_bench', '4321', 'VERIFIED', now(), now()
FROM unnest($1::text[], $2::text[]) AS new (bank_account_id, merchant_id)
"""


async def measure(ground: Ground, *, seconds: float) -> dict[str, float]:
    """Measure all loads, `seconds` each, at IN_FLIGHT calls; calls/s."""
    async with plot(ground) as own:
        merchants = merchant_ids(MERCHANTS)
        accounts = [ids.new_id("bnk") for _ in merchants]
        await _know(own, merchants, accounts)
        async with (
            children.echo(own) as echo,
            children.service(own, "order", role="api", log_level="warning") as order,
            children.service(
                own, "withdrawal", role="api", log_level="warning", withdrawal_daily_limits=NO_LIMIT
            ) as withdrawal,
        ):
            steps = {
                "line_echo": _step(echo, ECHO, merchants, seconds=seconds),
                "create_order": _step(order, CREATE_ORDER, merchants, seconds=seconds),
                "create_withdrawal": _step(withdrawal, CREATE_WITHDRAWAL, merchants, accounts, seconds=seconds),
                "create_withdrawal_hot": _step(
                    withdrawal, CREATE_WITHDRAWAL, merchants[:1], accounts[:1], seconds=seconds
                ),
            }
            results = await children.load(list(steps.values()), seconds_max=len(steps) * (seconds * 2 + 20) + 30)
    return {key: result["calls_per_s"] for key, result in zip(steps, results, strict=True)}


def _step(
    address: str, method: str, merchants: Sequence[str], accounts: Sequence[str] = (), *, seconds: float
) -> dict[str, Any]:
    return {
        "address": address,
        "method": method,
        "in_flight": IN_FLIGHT,
        "items": 1,
        "calls_max": int(CALLS_PER_S_MAX * seconds),
        "seconds": seconds,
        "merchants": merchants,
        "accounts": accounts,
    }


async def _know(own: Plot, merchants: Sequence[str], accounts: Sequence[str]) -> None:
    """Let the services know merchants and their funds, as if events had been applied: nothing consumes in role api."""
    async with connected(own.admin_url, schema="order") as connection:
        await connection.execute(_ORDER_MERCHANTS, merchants)
    async with connected(own.admin_url, schema="withdrawal") as connection:
        await connection.execute(_WITHDRAWAL_MERCHANTS, merchants)
        await connection.execute(_FUNDS, merchants)
        await connection.execute(_BANK_ACCOUNTS, accounts, merchants)
