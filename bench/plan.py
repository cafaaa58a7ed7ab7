"""Which rows there are and how large a round of each is."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from bench import (
    booked,
    calls,
    counting,
    footprint,
    journals,
    journey,
    line,
    moving,
    pipeline,
    raw,
    reconciling,
    settling,
    sustained,
    tracing,
)
from bench.figures import Figures
from bench.ground import Ground

MERCHANTS_SPREAD = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large a round is.

    Attributes:
        payments: Booked by each of rows (a), (a+), (b) and (h); a multiple of raw.BATCH_PAYMENTS.
        load_s: Of each load of rows (c) and (f), and of each turn of row (j), warm-up included.
        journey_s: Of row (d).
        settled: Transactions of row (e); a multiple of MERCHANTS_SPREAD.
        reconciled: Lines of row (i).
        moved: Transactions of row (k).
        left: Payments of row (n), for each service; a multiple of calls.MERCHANTS.
        held_s: How long row (m) holds its rate.
        booked: Payments that the ledger has booked before row (l).
    """

    payments: int
    load_s: float
    journey_s: float
    settled: int
    reconciled: int
    moved: int
    booked: int
    left: int
    held_s: float


FULL = Size(
    payments=60_000,
    load_s=5.0,
    journey_s=20.0,
    settled=1_000_000,
    reconciled=1_000_000,
    moved=200_000,
    booked=5_000_000,
    left=20_000,
    held_s=60.0,
)
QUICK = Size(
    payments=10_000,
    load_s=1.5,
    journey_s=4.0,
    settled=20_000,
    reconciled=20_000,
    moved=5_000,
    booked=50_000,
    left=3_000,
    held_s=4.0,
)
"""To see that everything works; its figures mean little."""

Row = Callable[[Ground, Size], Awaitable[Figures]]


async def _raw(ground: Ground, size: Size) -> Figures:
    return await raw.measure(ground, payments=size.payments, merchants=MERCHANTS_SPREAD)


async def _raw_full(ground: Ground, size: Size) -> Figures:
    return await raw.measure_full(ground, payments=size.payments, merchants=MERCHANTS_SPREAD)


async def _pipeline_spread(ground: Ground, size: Size) -> Figures:
    rate = await pipeline.measure(ground, payments=size.payments, merchants=MERCHANTS_SPREAD)
    return {"pipeline_spread": rate}


async def _pipeline_booked(ground: Ground, size: Size) -> Figures:
    return await booked.measure(ground, booked=size.booked, payments=size.payments, merchants=MERCHANTS_SPREAD)


async def _counting(ground: Ground, size: Size) -> Figures:
    return {"counting": await counting.measure(ground, events=size.payments, merchants=MERCHANTS_SPREAD)}


async def _pipeline_hot(ground: Ground, size: Size) -> Figures:
    return {"pipeline_hot": await pipeline.measure(ground, payments=size.payments, merchants=1)}


async def _calls(ground: Ground, size: Size) -> Figures:
    return await calls.measure(ground, seconds=size.load_s)


async def _journals(ground: Ground, size: Size) -> Figures:
    return await journals.measure(ground, seconds=size.load_s)


async def _end_to_end(ground: Ground, size: Size) -> Figures:
    return await journey.measure(ground, seconds=size.journey_s)


async def _settling(ground: Ground, size: Size) -> Figures:
    return await settling.measure(ground, transactions=size.settled, merchants=MERCHANTS_SPREAD)


async def _reconciling(ground: Ground, size: Size) -> Figures:
    return await reconciling.measure(ground, lines=size.reconciled)


async def _moving(ground: Ground, size: Size) -> Figures:
    return await moving.measure(ground, transactions=size.moved, merchants=MERCHANTS_SPREAD)


async def _footprint(ground: Ground, size: Size) -> Figures:
    return await footprint.measure(ground, payments=size.left)


async def _line(ground: Ground, size: Size) -> Figures:
    return await line.measure(ground, seconds=size.load_s)


async def _sustained(ground: Ground, size: Size) -> Figures:
    return await sustained.measure(ground, hold_s=size.held_s)


async def _tracing(ground: Ground, size: Size) -> Figures:
    return await tracing.measure(ground, seconds=size.load_s)


ROWS: Mapping[str, Row] = {
    "raw": _raw,
    "raw_full": _raw_full,
    "pipeline_spread": _pipeline_spread,
    "pipeline_booked": _pipeline_booked,
    "counting": _counting,
    "pipeline_hot": _pipeline_hot,
    "calls": _calls,
    "journals": _journals,
    "end_to_end": _end_to_end,
    "sustained": _sustained,
    "settling": _settling,
    "reconciling": _reconciling,
    "line": _line,
    "tracing": _tracing,
    "moving": _moving,
    "footprint": _footprint,
}
"""By name, in the order of a round; the rows of a ratio stand near each other."""
