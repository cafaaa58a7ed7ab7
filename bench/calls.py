"""Row (c): what CreatePayment costs beside a bare echo, and how many payments batches bring in.

The payment service runs with role api only: what is accepted is durable and waits in the queue and the outbox; nothing
relays, consumes or calls a channel meanwhile. One load client drives both servers, one step after another.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench import children
from bench.captures import merchant_ids
from bench.echo import METHOD as ECHO
from bench.ground import Ground, Plot, connected, plot

PAYMENT = "/paystream.payment.v1.PaymentService"
IN_FLIGHT = (1, 16, 64)
BATCHES = (100, 1_000)
BATCHES_IN_FLIGHT = 4
MERCHANTS = 100
CALLS_PER_S_MAX = 6_000
"""More than one Python process answers; requests are made beforehand for as many."""
BATCHED_PER_S_MAX = 30_000

_INSERT_MERCHANTS = """
INSERT INTO merchant (merchant_id, status, fee_plan_version, refund_fee_returned, aggregate_version)
SELECT merchant_id, 'ACTIVE', 1, false, 1 FROM unnest($1::text[]) AS merchant_id
"""
_INSERT_FEES = """
INSERT INTO merchant_fee (merchant_id, currency_code, basis_points, fixed_minor)
SELECT merchant_id, 'USD', 290, 30 FROM unnest($1::text[]) AS merchant_id
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """A step for the load client, and the key of its figure: calls/s, or payments/s of a batch."""

    key: str
    step: Mapping[str, Any]


async def measure(ground: Ground, *, seconds: float) -> dict[str, float]:
    """Measure all loads, `seconds` each; calls/s, payments/s for batches, and the unary latencies at 64 in flight."""
    async with plot(ground) as own:
        merchants = await know_merchants(own)
        async with (
            children.echo(own) as echo,
            children.service(own, "payment", role="api", log_level="warning") as payment,
        ):
            measured = _plan(echo, payment, merchants, seconds)
            steps = [each.step for each in measured]
            results = await children.load(steps, seconds_max=len(steps) * (seconds * 2 + 20) + 30)
    figures = {each.key: result["items_per_s"] for each, result in zip(measured, results, strict=True)}
    latencies = zip(measured, results, strict=True)
    return figures | {f"{each.key}_p99_ms": r["p99_ms"] for each, r in latencies if each.key == "create_payment_64"}


def _plan(echo: str, payment: str, merchants: Sequence[str], seconds: float) -> list[Measured]:
    """Put the echo and CreatePayment beside each other at every level, then the batches."""
    measured = []
    for level in IN_FLIGHT:
        create = f"{PAYMENT}/CreatePayment"
        measured.append(Measured(f"echo_{level}", step(echo, ECHO, merchants, level, seconds)))
        measured.append(Measured(f"create_payment_{level}", step(payment, create, merchants, level, seconds)))
    for items in BATCHES:
        batch = step(payment, f"{PAYMENT}/BatchCreatePayments", merchants, BATCHES_IN_FLIGHT, seconds, items=items)
        measured.append(Measured(f"batch_{items}", batch))
    return measured


def step(
    address: str, method: str, merchants: Sequence[str], in_flight: int, seconds: float, *, items: int = 1
) -> dict[str, Any]:
    """Describe one load to the load client; see `bench.load.Step`."""
    per_s = CALLS_PER_S_MAX if items == 1 else BATCHED_PER_S_MAX / items
    return {
        "address": address,
        "method": method,
        "in_flight": in_flight,
        "items": items,
        "calls_max": int(per_s * seconds),
        "seconds": seconds,
        "merchants": merchants,
    }


async def know_merchants(own: Plot) -> list[str]:
    """Let the payment service know merchants, as if their events had been applied: nothing consumes in role api."""
    merchants = merchant_ids(MERCHANTS)
    async with connected(own.admin_url, schema="payment") as connection:
        await connection.execute(_INSERT_MERCHANTS, merchants)
        await connection.execute(_INSERT_FEES, merchants)
    return merchants
