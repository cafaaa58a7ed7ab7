"""Lines and movements of one channel, told to reconciliation by hand."""

import itertools
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

from paykit.clock import ManualClock
from paykit.ids import named_id
from paykit.process.runtime import Runtime
from paystream.reconciliation.v1.events import StatementSource
from services.reconciliation import commands, jobs, store
from services.reconciliation.domain.movement import ChannelMovement, UnmovedAttempt, UnmovedOutcome
from services.reconciliation.domain.statement import ReportedLine, ReportedStatement, StatementState

CHANNEL = "cards"
DAY = date(2026, 3, 1)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


LOOKS_MAX = 200
"""Far more than what is told at once in a test takes."""


class Topics:
    """Topics as Kafka tells of them; consumed are those that are empty.

    Attributes:
        ends: Where a topic ends, by name: one that is not named is empty, and of None Kafka does not tell.
    """

    def __init__(self) -> None:
        self.ends: dict[str, tuple[int, ...] | None] = {}

    async def ends_of(self, _runtime: Runtime, topic: str) -> tuple[int, ...] | None:
        """Tell where a topic ends, as Kafka would."""
        return self.ends.get(topic, ())


async def consume(runtime: Runtime, topic: str, next_offset: int) -> None:
    """Have partition 0 of a topic consumed up to an offset."""
    sql = """INSERT INTO consumer_offset VALUES ($1, 0, $2, '', '', -1)
        ON CONFLICT (topic, partition) DO UPDATE SET next_offset = $2"""
    await runtime.transaction(lambda tx: tx.run(sql, topic, next_offset))


class Matcher:
    """One channel's statements and movements, each by a number."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self._line_ids = itertools.count(1)
        self.topics = Topics()

    def movement(self, number: int, **changes: Any) -> ChannelMovement:
        """A capture of 100.00 in USD."""
        given: dict[str, Any] = {
            "operation": "CAPTURE",
            "related_no": named_id("cap", str(number)),
            "root_reference": named_id("pay", str(number)),
            "channel": CHANNEL,
            "channel_reference": f"ch_{number}",
            "attempt_id": named_id("att", str(number)),
            "merchant_id": named_id("mer", "1"),
            "amount_minor": 10_000,
            "currency_code": "USD",
            "occurred_at": NOON,
            "correlation_id": f"cor_{number}",
        } | changes
        return ChannelMovement(**{"movement_id": f"{given['operation']}:{given['related_no']}"} | given)

    def line(self, number: int, **changes: Any) -> ReportedLine:
        """The line of the same capture; a fee of 0."""
        given: dict[str, Any] = {
            "statement_id": named_id("stm", CHANNEL, str(DAY)),
            "channel": CHANNEL,
            "line_id": f"line {next(self._line_ids)}",
            "operation": "CAPTURE",
            "outcome": "SUCCEEDED",
            "amount_minor": 10_000,
            "currency_code": "USD",
            "channel_fee_minor": 0,
            "line_date": DAY,
            "channel_reference": f"ch_{number}",
            "attempt_id": named_id("att", str(number)),
            "related_no": named_id("cap", str(number)),
        }
        return ReportedLine(**given | changes)

    async def record(self, *facts: ChannelMovement | UnmovedAttempt) -> None:
        """Have movements told."""
        await self.runtime.transaction(lambda tx: commands.collecting.record_facts(tx, facts))

    async def report(self, *lines: ReportedLine, closed: bool = False) -> None:
        """Have lines come, and close their statements if told so."""
        by_id = {line.statement_id: line for line in lines}

        async def take(tx: Any) -> None:
            begun = [
                ReportedStatement(
                    statement_id=line.statement_id,
                    channel=line.channel,
                    source=StatementSource.FILE if closed else StatementSource.CHANNEL,
                    currency_code=line.currency_code,
                    statement_date=line.line_date,
                    state=StatementState.CLOSED if closed else StatementState.OPEN,
                    line_count=sum(each.statement_id == line.statement_id for each in lines) if closed else None,
                    correlation_id="cor_statement",
                    create_time=tx.now,
                    update_time=tx.now,
                )
                for line in by_id.values()
            ]
            await store.statements.insert_absent(tx, begun)
            await store.lines.add(tx, lines)

        await self.runtime.transaction(take)

    async def match(self) -> None:
        """Look at all there is, until nothing is left to look at."""
        for _ in range(LOOKS_MAX):
            before = await self.counts()
            if not await jobs.match_lines(self.runtime, ends_of=self.topics.ends_of) and await self.counts() == before:
                return
        raise AssertionError("matching does not end")

    async def counts(self) -> dict[str, int]:
        """What `verification` counts."""
        return dict(await self.runtime.read(store.verification.counts))

    async def found(self) -> Counter[str]:
        """Open discrepancies by kind."""
        rows = await self.runtime.read(lambda tx: tx.fetch("SELECT kind FROM discrepancy WHERE state = 'OPEN'"))
        return Counter(row["kind"] for row in rows)

    async def statuses(self) -> Counter[str]:
        """Lines by status."""
        rows = await self.runtime.read(lambda tx: tx.fetch("SELECT status FROM line_outcome"))
        return Counter(row["status"] for row in rows)

    async def use(self, content: str, *, channel: str = CHANNEL) -> None:
        """Have the channel matched by rules."""
        await self.runtime.transaction(
            lambda tx: tx.run(
                """INSERT INTO rule_set VALUES ('rul_' || $1, $1, 1, 'ACTIVE', $2, 'ann', 'a test', 'bob', $3, $3)""",
                channel,
                content,
                tx.now,
            )
        )

    def pass_time(self, **by: float) -> None:
        """Let business time pass."""
        clock: Any = self.runtime.clock
        assert isinstance(clock, ManualClock)
        clock.advance(timedelta(**by))


def failed_attempt(number: int, outcome: UnmovedOutcome = UnmovedOutcome.FAILED) -> UnmovedAttempt:
    """A charge of 100.00 that moved nothing, as far as is known."""
    return UnmovedAttempt(
        attempt_id=named_id("att", str(number)),
        operation="CAPTURE",
        outcome=outcome,
        related_no=named_id("pay", str(number)),
        root_reference=named_id("pay", str(number)),
        channel=CHANNEL,
        merchant_id=named_id("mer", "1"),
        amount_minor=10_000,
        currency_code="USD",
        occurred_at=NOON,
        correlation_id=f"cor_{number}",
    )
