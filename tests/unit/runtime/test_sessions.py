"""Which session a transaction is given, and how many there are."""

import pytest

from paykit.postgres.pooled import Sessions


class Connection:
    """What a session needs of the driver's connection."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.closed = False
        self.breaks = False

    async def execute(self, sql: str) -> None:
        if self.breaks:
            raise ConnectionResetError
        self.sent.append(sql)

    async def close(self) -> None:
        self.closed = True

    def terminate(self) -> None:
        self.closed = True

    def is_closed(self) -> bool:
        return self.closed


class Opened(list[Connection]):
    """The connections that were opened."""

    async def __call__(self) -> Connection:
        self.append(Connection())
        return self[-1]


async def test_a_session_is_used_again() -> None:
    opened = Opened()
    sessions = Sessions(opened, 2)
    for _ in range(3):
        sessions.give_back(await sessions.take(2_000))
    assert [connection.sent for connection in opened] == [[]]


async def test_sessions_that_wait_differently_for_locks_are_told_once_and_lie_side_by_side() -> None:
    opened = Opened()
    sessions = Sessions(opened, 2)
    for _ in range(3):
        for lock_timeout_ms in (2_000, 50):
            sessions.give_back(await sessions.take(lock_timeout_ms))
    assert [connection.sent for connection in opened] == [[], ["SET lock_timeout = 50"]]


async def test_where_no_more_may_be_opened_one_is_told_anew() -> None:
    opened = Opened()
    sessions = Sessions(opened, 1)
    for lock_timeout_ms in (2_000, 50, 2_000):
        sessions.give_back(await sessions.take(lock_timeout_ms))
    assert [connection.sent for connection in opened] == [["SET lock_timeout = 50", "SET lock_timeout = 2000"]]


async def test_of_two_that_fit_the_one_given_back_last_is_taken() -> None:
    sessions = Sessions(Opened(), 2)
    first, second = await sessions.take(2_000), await sessions.take(2_000)
    sessions.give_back(second)
    sessions.give_back(first)
    assert await sessions.take(2_000) is first


async def test_what_ended_while_it_lay_ready_is_passed_by() -> None:
    opened = Opened()
    sessions = Sessions(opened, 1)
    sessions.give_back(await sessions.take(2_000))
    opened[0].closed = True
    assert (await sessions.take(2_000)).driver is opened[1]


async def test_a_session_that_could_not_be_told_is_cut_and_keeps_no_place() -> None:
    opened = Opened()
    sessions = Sessions(opened, 1)
    sessions.give_back(await sessions.take(2_000))
    opened[0].breaks = True
    with pytest.raises(ConnectionResetError):
        await sessions.take(50)
    assert opened[0].closed
    assert (await sessions.take(2_000)).driver is opened[1]


async def test_closing_closes_what_lies_ready_and_cuts_what_is_in_use() -> None:
    opened = Opened()
    sessions = Sessions(opened, 2)
    used, ready = await sessions.take(2_000), await sessions.take(2_000)
    sessions.give_back(ready)
    await sessions.close()
    assert used.driver.is_closed()
    assert ready.driver.is_closed()
