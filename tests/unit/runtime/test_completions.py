"""How many turns of the event loop it takes to hear of gRPC's completions."""

import asyncio
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from paykit.serve.accepting.completions import all_at_once, heard_together


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A socket to read from, as gRPC's is, and the one that writes to it."""
    reading, writing = socket.socketpair()
    reading.settimeout(0)
    with reading, writing:
        yield reading, writing


@pytest.mark.parametrize("written", [1, 2, 300])
def test_one_call_takes_all_bytes_that_are_there(pair: tuple[socket.socket, socket.socket], written: int) -> None:
    reading, writing = pair
    taken: list[tuple[bytes, tuple[Any, ...]]] = []
    take_all = all_at_once(reading, lambda *args: taken.append((reading.recv(1), args)))
    writing.send(b"1" * written)
    take_all("loop")
    assert taken == [(b"1", ("loop",))]
    with pytest.raises(BlockingIOError):
        reading.recv(1)


def test_what_fails_with_nothing_to_read_fails_as_before(pair: tuple[socket.socket, socket.socket]) -> None:
    reading, _ = pair
    with pytest.raises(BlockingIOError):
        all_at_once(reading, lambda: reading.recv(1))()


async def test_completions_that_came_together_are_heard_of_in_one_turn(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    reading, writing = pair
    loop = asyncio.get_running_loop()
    turns: list[bytes] = []
    heard = asyncio.Event()

    def take(bound: asyncio.AbstractEventLoop) -> None:
        assert bound is loop
        turns.append(reading.recv(1))
        heard.set()

    with heard_together(loop):
        loop.add_reader(reading, take, loop)
    try:
        for round_number in (1, 2):
            writing.send(b"1" * 64)
            heard.clear()
            await asyncio.wait_for(heard.wait(), 10)
            assert turns == [b"1"] * round_number
    finally:
        loop.remove_reader(reading)


async def test_a_loop_that_grpc_asks_for_no_reader_goes_on_as_it_did() -> None:
    loop = asyncio.get_running_loop()
    before = loop.add_reader
    with heard_together(loop):
        pass
    assert loop.add_reader == before


async def test_the_loop_is_itself_again_after_an_error() -> None:
    loop = asyncio.get_running_loop()
    before = loop.add_reader
    with pytest.raises(RuntimeError, match="no engine"), heard_together(loop):
        raise RuntimeError("no engine")
    assert loop.add_reader == before
