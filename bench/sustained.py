"""Row (m): the whole line at the highest rate that it sustains, from CreatePayment to ledger, settlement and figures.

Payment, channel, ledger, settlement and analytics run as processes of their own, the simulated acquirer without delay
of its own. A rate is sustained when payments are accepted as fast as they are asked for, and no service applies any of
the events that follow from them later than YOUNG_S after it was recorded: what waits is always younger. That is read
from the services' own histograms, which count every event, not from looks now and then. The rate is doubled until it is
not sustained for TRY_S, narrowed down, and then held for as long as is asked.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx
from prometheus_client.parser import text_string_to_metric_families

from bench import calls, children, journey
from bench.figures import Figures
from bench.ground import Ground, Plot, connected, plot
from paykit.errors import InvariantError

SERVICES = ("channel", "merchant", "payment", "accounting", "settlement", "analytics")
MERCHANTS = 20
IN_FLIGHT_MAX = 256
"""Calls of the client at the same time; with all of them waiting it falls behind the rate."""
FIRST_PER_S = 50.0
PER_S_MAX = 3_200.0
ACCEPTED_SHARE = 0.98
"""Of the rate: what has to be answered within the time."""
YOUNG_S = 1.0
TRY_S = 10.0
NARROWED = 2
"""Rates tried between the highest that was sustained and the lowest that was not."""
HOLDS_MAX = 8
HELD_SHARE = 0.9
"""The next rate to hold, of one that was not sustained."""
APPLIED_S_MAX = 120.0
LOOK_EVERY_S = 0.2
HTTP_TIMEOUT_S = 10.0

_APPLIED = """
SELECT (SELECT count(*) FROM payment.payment) AS created,
    (SELECT count(*) FROM accounting.journal WHERE type_no = 0) AS booked,
    (SELECT count(*) FROM settlement.narrow_item) AS collected,
    (SELECT coalesce(sum(count), 0)::bigint FROM analytics.figure WHERE measure = 'CAPTURED') AS counted
"""


@dataclass(frozen=True, slots=True)
class _Line:
    """The services of one measurement.

    Attributes:
        payment: Its gRPC address.
        metrics: Where each shows its metrics.
        merchants: Ids of active ones.
        connection: As the administrator.
    """

    payment: str
    metrics: Sequence[str]
    merchants: Sequence[str]
    connection: asyncpg.Connection


@dataclass(frozen=True, slots=True)
class _Try:
    """What became of a rate: payments/s, whether it was sustained, and the p99 of CreatePayment in ms."""

    per_s: float
    sustained: bool
    p99_ms: float = 0.0


async def measure(ground: Ground, *, hold_s: float) -> Figures:
    """Find the highest rate that is sustained for `hold_s`; payments/s, and the p99 of CreatePayment in ms meanwhile.

    Raises:
        InvariantError: No rate was sustained, or a payment is missing somewhere.
    """
    async with plot(ground) as own, _line(own) as line:
        per_s = await _search(line, min(TRY_S, hold_s))
        for _ in range(HOLDS_MAX):
            held = await _try(line, per_s, hold_s)
            if held.sustained:
                return {"sustained": held.per_s, "sustained_p99_ms": held.p99_ms}
            per_s *= HELD_SHARE
    raise InvariantError(f"no rate above {per_s:.0f} payments/s was sustained for {hold_s:.0f} s")


async def _search(line: _Line, seconds: float) -> float:
    """Return a rate that was sustained for a short time, below one that was not."""
    await _try(line, FIRST_PER_S, seconds)  # What is done for the first time, as planning statements, is not counted.
    good, bad = 0.0, FIRST_PER_S
    while bad <= PER_S_MAX and (await _try(line, bad, seconds)).sustained:
        good, bad = bad, bad * 2
    for _ in range(NARROWED):
        between = (good + bad) / 2
        if (await _try(line, between, seconds)).sustained:
            good = between
        else:
            bad = between
    if not good:
        raise InvariantError(f"{bad:.0f} payments/s are not sustained")
    return good


async def _try(line: _Line, per_s: float, seconds: float) -> _Try:
    """Ask for payments at this rate; all are applied everywhere when it returns."""
    before = await _older(line)
    step = calls.step(line.payment, f"{calls.PAYMENT}/CreatePayment", line.merchants, IN_FLIGHT_MAX, seconds)
    asked = dict(step) | {"per_s": per_s, "calls_max": int(per_s * seconds)}
    try:
        [result] = await children.load([asked], seconds_max=seconds + 60)
    except children.ChildFailedError:
        result = {"calls_per_s": 0.0, "p99_ms": 0.0}  # A call was refused, as is right where too much is asked for.
    await _await_applied(line.connection)
    sustained = result["calls_per_s"] >= per_s * ACCEPTED_SHARE and await _older(line) == before
    return _Try(per_s, sustained, result["p99_ms"])


async def _await_applied(connection: asyncpg.Connection) -> None:
    give_up = time.monotonic() + APPLIED_S_MAX
    while len(set(found := await connection.fetchrow(_APPLIED))) > 1:
        if time.monotonic() > give_up:
            raise InvariantError(f"created, booked, collected and counted after {APPLIED_S_MAX:.0f} s: {tuple(found)}")
        await asyncio.sleep(LOOK_EVERY_S)


async def _older(line: _Line) -> float:
    """Count the events that services have applied later than YOUNG_S after they were recorded."""
    async with httpx.AsyncClient(timeout=HTTP_TIMEOUT_S) as client:
        pages = await asyncio.gather(*(client.get(f"http://{each}/metrics") for each in line.metrics))
    return sum(_older_of(page.text) for page in pages)


def _older_of(page: str) -> float:
    families = {each.name: each for each in text_string_to_metric_families(page)}
    samples = getattr(families.get("paystream_event_age_seconds"), "samples", ())
    of = {bound: sum(s.value for s in samples if s.labels.get("le") == bound) for bound in (str(YOUNG_S), "+Inf")}
    return float(of["+Inf"] - of[str(YOUNG_S)])


@asynccontextmanager
async def _line(own: Plot) -> AsyncIterator[_Line]:
    """Run the services until they know active merchants."""
    channel = children.free_address()
    addresses: dict[str, str] = {}
    metrics = {name: children.free_address() for name in SERVICES}
    async with AsyncExitStack() as running:
        for name in SERVICES:
            more: dict[str, Any] = {"metrics_address": metrics[name], "log_level": "warning"}
            more["grpc_address" if name == "channel" else "channel_address"] = channel
            addresses[name] = await running.enter_async_context(children.service(own, name, **more))
        merchants = [await journey.create_merchant(addresses["merchant"]) for _ in range(MERCHANTS)]
        for each in merchants:
            await journey.first_payment(addresses["payment"], each)
        connection = await running.enter_async_context(connected(own.admin_url, schema="public"))
        await _await_applied(connection)
        yield _Line(addresses["payment"], [*metrics.values()], merchants, connection)
