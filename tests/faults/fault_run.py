"""One fault in the middle of traffic: on, off, everything asked again, everything drained."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from tests.faults.faulty_stack import SERVICES, FaultyLine, kept, newcomer
from tests.faults.findings import Findings, find
from tests.faults.proxy import Mode
from tests.faults.traffic import AMOUNT_MINOR, Traffic
from tests.line.books import Books
from tests.line.clients import first_payment, new_merchant, payment_request
from tests.line.waiting import until

FEES = {"USD": (290, 30)}
REFUNDABLE = 8
"""Payments captured before the fault, of which refunds are asked."""
RECOVERS_S_MAX = 240.0
"""A bound for the test's sake alone; how long it took stands in the table."""
_OPEN = """
    SELECT payment_id FROM payment.payment WHERE payment_id = ANY($1) AND state NOT IN ('SUCCEEDED', 'FAILED')
    UNION ALL SELECT payment_id FROM payment.payment
    WHERE payment_id = ANY($1) AND state = 'SUCCEEDED' AND NOT EXISTS (
        SELECT FROM accounting.transaction WHERE transaction_type = 'PaymentSuccess' AND related_no = capture_id)
    UNION ALL SELECT refund_id FROM payment.refund WHERE refund_id = ANY($1) AND state <> 'FAILED' AND NOT EXISTS (
        SELECT FROM accounting.transaction WHERE transaction_type = 'RefundSuccess' AND related_no = refund_id)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long traffic flows around a fault, in seconds."""

    before_s: float
    fault_s: float
    after_s: float
    """At the least: it flows until all is booked that was acknowledged by the end of the fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a fault did.

    Attributes:
        acknowledged: Calls that were acknowledged the first time.
        acknowledged_meanwhile: Of these, the ones that were answered while the fault lasted.
        refusals: First calls that ended otherwise, by status code.
        answers_after_s: From the fault's end to the last call that was not acknowledged; 0 if none was.
        books_after_s: From the fault's end until all was booked that had been acknowledged by then.
        differing: Answers to a request asked again that were not what had been acknowledged.
        findings: What was lost or twice.
    """

    acknowledged: int
    acknowledged_meanwhile: int
    refusals: Mapping[str, int]
    answers_after_s: float
    books_after_s: float
    differing: int
    findings: Findings


async def run(line: FaultyLine, part: str, mode: Mode, timing: Timing) -> Outcome:
    """Turn a fault on in the middle of traffic and off again, and look what became of everything.

    While it is the registry's, a process starts that knows no schema yet: who runs already asks it for nothing.
    """
    async with kept(line) as tables, AsyncExitStack() as opened:
        traffic = await _prepared(line, tables)
        async with traffic.flowing():
            await asyncio.sleep(timing.before_s)
            on = time.monotonic()
            async with line.stack.proxies[part].turned(mode):
                new = await opened.enter_async_context(newcomer(line)) if part == "registry" else None
                await asyncio.sleep(timing.fault_s)
            off = time.monotonic()
            by_then = [asked.answer for asked in traffic.asked if asked.answer is not None]
            await until(lambda: _booked(tables, by_then), seconds=RECOVERS_S_MAX)
            books_after_s = time.monotonic() - off
            if new is not None:
                await until(new.has_started)
            await asyncio.sleep(max(0.0, timing.after_s - books_after_s))
        await traffic.ask_again()
        differing = sum(before != now for before, now in await traffic.repeat())
        known = [asked.answer for asked in traffic.asked if asked.answer is not None]
        await until(lambda: _settled(tables, known), seconds=RECOVERS_S_MAX)
        findings = await find(
            line.settings,
            tables,
            merchant_id=traffic.merchant_id,
            payments=[*traffic.refundable, *traffic.answers(refunds=False)],
            refunds=traffic.answers(refunds=True),
        )
    first = [asked for asked in traffic.asked if asked.refused is None]
    failed = [asked.ended - off for asked in traffic.asked if asked.refused is not None]
    return Outcome(
        acknowledged=len(first),
        acknowledged_meanwhile=sum(on < asked.ended < off for asked in first),
        refusals=traffic.refusals,
        answers_after_s=max([0.0, *failed]),
        books_after_s=books_after_s,
        differing=differing,
        findings=findings,
    )


async def _prepared(line: FaultyLine, tables: Books) -> Traffic:
    """Make a merchant whose first payments are captured and booked."""
    merchant_id = await new_merchant(line.clients, FEES)
    refundable = [
        (await first_payment(line.clients, payment_request(merchant_id, AMOUNT_MINOR))).payment_id
        for _ in range(REFUNDABLE)
    ]
    await until(lambda: _booked(tables, refundable))
    return Traffic(clients=line.clients, merchant_id=merchant_id, refundable=refundable)


async def _booked(tables: Books, ids: list[str]) -> bool:
    """Say whether each payment and refund has come to its end, and what succeeded is booked."""
    return not await tables.rows(_OPEN, ids)


async def _settled(tables: Books, ids: list[str]) -> Any:
    return await _booked(tables, ids) and await tables.drained(*SERVICES)
