"""Preferred ports when they are free, others when not."""

import socket

from paytools.localstack import ports


def test_a_preferred_port_in_use_falls_back_to_a_free_one() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        in_use = other.getsockname()[1]
        chosen = ports.choose(in_use, taken=set())
    assert chosen not in {0, in_use}


def test_a_free_preferred_port_is_taken() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        free = other.getsockname()[1]
    assert ports.choose(free, taken=set()) == free


def test_one_stack_never_gets_a_port_twice() -> None:
    taken: set[int] = set()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        free = other.getsockname()[1]
    assert ports.choose(free, taken=taken) == free
    assert ports.choose(free, taken=taken) != free
    assert len(taken) == 2
