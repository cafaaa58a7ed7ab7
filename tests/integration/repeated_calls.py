"""What every call that creates something is held to, however long ago it was made the first time."""

import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from paykit.base.metrics import CALL_GROUPS
from paykit.errors import DomainError, RequestIdReused
from paykit.postgres.database import Tx
from paykit.process.runtime import REPLAYED_TRAILER, Runtime
from paykit.testing.runtimes import act_as

_TABLES = """
SELECT relname FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
    AND relname <> 'idempotency_claim'
"""

STEPS_MAX = 8

Step = tuple[int, bool, bool]
"""Which request id is sent, whether the replies were forgotten before, and whether the body is another."""

FEW_EXAMPLES = settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
"""For a test whose examples share a database: each makes what it needs anew."""

STEPS = st.lists(st.tuples(st.integers(0, 1), st.booleans(), st.booleans()), min_size=2, max_size=STEPS_MAX)


@dataclass(frozen=True, kw_only=True)
class Repeated:
    """A call that creates something, ready to be made any number of times.

    Attributes:
        call: The servicer's method.
        request: Makes a request with a request id; the same for the same number, so that a number is a body.
        created: The id of what a reply says that it created.
        trailer: Whether the reply's trailer says that it is a repetition; batches say it of no item.
    """

    call: Callable[[Any, Any], Awaitable[Any]]
    request: Callable[[str, int], Any]
    created: Callable[[Any], str]
    trailer: bool = True


async def assert_repeats_create_nothing(runtime: Runtime, repeated: Repeated, steps: Sequence[Step]) -> None:
    """Make calls with two request ids in some order, each at first with a body of its own, and hold them to a model.

    Raises:
        AssertionError: A repetition created or changed something, answered otherwise, or another body was taken.
    """
    request_ids = [str(uuid.uuid4()), str(uuid.uuid4())]
    bodies: dict[int, int] = {}
    created: dict[int, str] = {}
    for number, forgotten, other_body in steps:
        if forgotten:
            await runtime.transaction(lambda tx: tx.run("DELETE FROM idempotency_claim"))
        first = number not in bodies
        body = bodies.setdefault(number, number) + (0 if first or not other_body else 2)
        before, failed = await _counts(runtime), groups("failed_at_once")
        call = act_as("shop")
        outcome = await _outcome(repeated, repeated.request(request_ids[number], body))
        assert not first or groups("failed_at_once") == failed
        if body != bodies[number]:
            assert isinstance(outcome, RequestIdReused), outcome
            assert await _counts(runtime) == before
            continue
        assert not isinstance(outcome, DomainError), outcome
        assert created.setdefault(number, repeated.created(outcome)) == repeated.created(outcome)
        assert (REPLAYED_TRAILER in call.trailers) is (repeated.trailer and not first)
        assert first or await _counts(runtime) == before


def groups(way: str, operation: str | None = None) -> int:
    """Count the groups of calls of this process that went a way, of one operation or of all."""
    return sum(
        int(sample.value)
        for family in CALL_GROUPS.collect()
        for sample in family.samples
        if sample.name == "paystream_call_groups_total"
        and sample.labels["way"] == way
        and operation in {None, sample.labels["operation"]}
    )


async def _outcome(repeated: Repeated, request: Any) -> Any:
    try:
        return await repeated.call(request, None)
    except DomainError as refusal:
        return refusal


async def _counts(runtime: Runtime) -> dict[str, int]:
    """Count the rows of every table, what waits to be told among them."""

    async def query(tx: Tx) -> dict[str, int]:
        tables = [row[0] for row in await tx.fetch(_TABLES)]
        counts = " UNION ALL ".join(f"SELECT '{table}', count(*) FROM \"{table}\"" for table in tables)
        return {row[0]: row[1] for row in await tx.fetch(counts)}

    return await runtime.read(query)
