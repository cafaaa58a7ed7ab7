"""What a supervisor is told at /livez and /readyz, and what of it keeps a process from being ready."""

import asyncio
import json
import urllib.error
import urllib.request
from types import SimpleNamespace
from typing import Any

import pytest

from paykit.base.health import LOOP_SILENT_S_MAX, HealthBoard, HealthProblem, HealthProblemKind
from paykit.base.metrics import MetricsServer
from paykit.process.health import DATABASE_SILENT_S_MAX, EVENTS_LATE_S_MAX, HealthWatch

HALTED = HealthProblem(kind=HealthProblemKind.PARTITION_HALTED, service="accounting", detail="payment.events/3")


class Time:
    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


def get(server: MetricsServer, path: str) -> tuple[int, Any]:
    try:
        with urllib.request.urlopen(f"http://{server.address}{path}", timeout=10) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def test_a_supervisor_reads_whether_a_process_lives_and_is_ready_and_why_not() -> None:
    time = Time()
    board = HealthBoard(monotonic=time)
    server = MetricsServer("127.0.0.1:0", health=board)
    alive = (200, {"ok": True, "problems": []})
    try:
        starting = {"problem": "STARTING", "service": None, "detail": ""}
        assert get(server, "/readyz") == (503, {"ok": False, "problems": [starting], "leads": []})
        assert get(server, "/livez") == alive
        board.show([], leads=["accounting"])
        assert get(server, "/readyz") == (200, {"ok": True, "problems": [], "leads": ["accounting"]})
        board.show([HALTED])
        halted = {"problem": "PARTITION_HALTED", "service": "accounting", "detail": "payment.events/3"}
        assert get(server, "/readyz") == (503, {"ok": False, "problems": [halted], "leads": []})
        assert get(server, "/livez") == alive
        with urllib.request.urlopen(f"http://{server.address}/metrics", timeout=10) as response:
            assert b"paystream_grpc_calls_in_flight" in response.read()
    finally:
        server.close()


def test_a_process_whose_loop_does_not_turn_is_not_alive() -> None:
    time = Time()
    board = HealthBoard(monotonic=time)
    board.show([])
    time.now_s += LOOP_SILENT_S_MAX
    assert [look()[0] for look in (board.live, board.ready)] == [200, 200]
    time.now_s += 1
    silent = {"problem": "LOOP_SILENT", "service": None, "detail": "31 s"}
    assert [look()[1]["problems"] for look in (board.live, board.ready)] == [[silent], [silent]]
    assert board.live()[0] == 503
    board.show([])
    assert board.live()[0] == 200


class Database:
    """PostgreSQL of a service: it answers, refuses, or says nothing."""

    def __init__(self) -> None:
        self.service = SimpleNamespace(name="accounting")
        self.state = "answers"
        self.asked = 0
        self.answered = asyncio.Event()

    async def read(self, _query: Any) -> None:
        self.asked += 1
        if self.state == "silent":
            await self.answered.wait()
        if self.state == "refuses":
            raise RuntimeError("no")


def watch(board: HealthBoard, database: Any, *consumers: Any, serves_calls: bool = False, **more: Any) -> HealthWatch:
    watched = HealthWatch(
        board,
        runtimes=[database],
        consumers=lambda: [("accounting", consumer) for consumer in consumers],
        leads=lambda: ["accounting"],
        serves_calls=serves_calls,
        **more,
    )
    watched.started()
    return watched


def consumer(oldest_s: float, *halted: tuple[str, int]) -> Any:
    return SimpleNamespace(halted=halted, lag=SimpleNamespace(oldest_unapplied_s=oldest_s))


def problems(board: HealthBoard) -> list[tuple[str, str | None]]:
    return [(each["problem"], each["service"]) for each in board.ready()[1]["problems"]]


@pytest.mark.parametrize("state", ["silent", "refuses"])
async def test_a_database_that_does_not_answer_is_told_and_asked_once_at_a_time(state: str) -> None:
    time, board, database = Time(), HealthBoard(), Database()
    watched = watch(board, database, monotonic=time)

    async def look(*, after_s: float) -> list[tuple[str, str | None]]:
        time.now_s += after_s
        watched._ping()
        for _ in range(3):  # It is asked, and answers or not.
            await asyncio.sleep(0)
        watched.look()
        return problems(board)

    assert await look(after_s=DATABASE_SILENT_S_MAX + 1) == []
    database.state = state
    assert await look(after_s=DATABASE_SILENT_S_MAX) == []
    assert await look(after_s=1) == [("DATABASE_SILENT", "accounting")]
    assert (board.live()[0], database.asked) == (200, 2 if state == "silent" else 3)
    database.state = "answers"
    database.answered.set()
    await look(after_s=1)
    assert await look(after_s=1) == []


@pytest.mark.parametrize(("serves_calls", "expected"), [(False, True), (True, False)])
def test_only_what_serves_no_calls_is_not_ready_for_what_it_does_not_consume(
    *, serves_calls: bool, expected: bool
) -> None:
    halted = consumer(0.0, ("payment.events", 3))
    late = consumer(EVENTS_LATE_S_MAX + 1)
    board = HealthBoard()
    watch(board, Database(), halted, late, serves_calls=serves_calls)
    found = [("PARTITION_HALTED", "accounting"), ("EVENTS_LATE", "accounting")]
    assert problems(board) == (found if expected else [])
    assert board.ready()[1]["leads"] == ["accounting"]


def test_what_waits_for_less_long_is_no_fault_and_neither_is_to_lead_nothing() -> None:
    board = HealthBoard()
    busy = consumer(EVENTS_LATE_S_MAX)
    watched = HealthWatch(board, runtimes=[], consumers=lambda: [("a", busy)], leads=list, serves_calls=False)
    assert problems(board) == [("STARTING", None)]
    watched.started()
    assert board.ready() == (200, {"ok": True, "problems": [], "leads": []})
    watched.stopping()
    assert problems(board) == [("STOPPING", None)]
