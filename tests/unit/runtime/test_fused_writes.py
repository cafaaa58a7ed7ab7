"""What a transaction leaves for its end: when it begins, what becomes one statement, and what a broken one means."""

from typing import Any

import pytest

from paykit.base.errors import CommitUnknownError, UnavailableError
from paykit.postgres.fused.fused_driver import FusedDriver
from paykit.postgres.fused.writes import Write, together


class RecordingDriver:
    """Takes down each statement that is sent to it, and says of inserts that they inserted `rows`."""

    def __init__(self, *, rows: int = 1, error: Exception | None = None) -> None:
        self.sent: list[tuple[str, tuple[Any, ...]]] = []
        self.rows, self.error = rows, error

    async def execute(self, sql: str, *args: Any) -> str:
        self.sent.append((sql, args))
        if self.error is not None:
            raise self.error
        return f"INSERT 0 {self.rows}"

    async def fetch(self, sql: str, *args: Any) -> list[Any]:
        self.sent.append((sql, args))
        return []


A = Write("INSERT INTO a SELECT $1, $2", (1, 2))
B = Write("INSERT INTO b SELECT $1, $2 + $1", (3, 4))
C = Write("INSERT INTO c VALUES ($1)", (5,))


def test_a_write_alone_is_its_own_statement() -> None:
    assert together([A]) == (A.sql, [1, 2])


def test_writes_become_one_statement_whose_first_is_answered_and_that_carries_them_out_in_order() -> None:
    sql, args = together([A, B, C])
    assert sql == (
        "WITH write_2 AS (INSERT INTO c VALUES ($5)),\nwrite_1 AS (INSERT INTO b SELECT $3, $4 + $3)\n"
        "INSERT INTO a SELECT $1, $2"
    )
    assert args == [1, 2, 3, 4, 5]


def test_ten_parameters_and_more_are_told_apart() -> None:
    eleven = Write("VALUES " + ", ".join(f"($1{at})" for at in range(2)) + ", ($1)", tuple(range(11)))
    assert together([C, eleven])[0] == "WITH write_1 AS (VALUES ($11), ($12), ($2))\nINSERT INTO c VALUES ($1)"


async def test_what_only_looks_and_writes_at_its_end_begins_nothing() -> None:
    driver = RecordingDriver()
    fused = FusedDriver(driver)
    await fused.look("SELECT 1")
    fused.leave(B)
    fused.answer(A, calls=1)
    await fused.finish([C])
    assert [sql for sql, _ in driver.sent] == ["SELECT 1", together([A, B, C])[0]]
    assert not fused.begun


async def test_what_locks_begins_before_and_is_not_ended_here() -> None:
    driver = RecordingDriver()
    fused = FusedDriver(driver)
    await fused.fetch("SELECT FROM t FOR UPDATE")
    fused.leave(A)
    await fused.finish([])
    assert [sql for sql, _ in driver.sent] == ["BEGIN", "SELECT FROM t FOR UPDATE", A.sql]
    assert fused.begun


@pytest.mark.parametrize("read", ["look", "fetch"])
async def test_what_could_see_what_was_left_is_sent_behind_it(read: str) -> None:
    driver = RecordingDriver()
    fused = FusedDriver(driver)
    fused.leave(A)
    await getattr(fused, read)("SELECT FROM a")
    assert [sql for sql, _ in driver.sent] == ["BEGIN", A.sql, "SELECT FROM a"]
    assert fused.begun


async def test_nothing_to_write_sends_nothing() -> None:
    driver = RecordingDriver()
    await FusedDriver(driver).finish([])
    assert driver.sent == []


async def test_fewer_claims_than_calls_are_an_error() -> None:
    fused = FusedDriver(RecordingDriver(rows=1))
    fused.answer(A, calls=2)
    with pytest.raises(UnavailableError, match="too long"):
        await fused.finish([])


async def test_a_connection_lost_in_the_one_statement_may_have_committed_it() -> None:
    fused = FusedDriver(RecordingDriver(error=ConnectionResetError()))
    fused.leave(A)
    with pytest.raises(CommitUnknownError):
        await fused.finish([])


async def test_a_connection_lost_in_a_transaction_has_committed_nothing() -> None:
    driver = RecordingDriver()
    fused = FusedDriver(driver)
    await fused.fetch("SELECT FROM t FOR UPDATE")
    fused.leave(A)
    driver.error = ConnectionResetError()
    with pytest.raises(ConnectionResetError):
        await fused.finish([])
