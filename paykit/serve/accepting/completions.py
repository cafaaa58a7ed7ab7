"""How the event loop hears of what gRPC has completed: of all that is there by one turn of the loop.

A thread of gRPC's puts each completion into a queue, and writes one byte to a socket for it. What the event loop calls
when there is something to read takes one byte and all completions, so that each byte left costs a turn of the loop
that finds nothing: four for a call of one request and one reply. Here the other bytes are taken first.
"""

import contextlib
import socket
from array import array
from collections.abc import Callable, Iterator
from fcntl import ioctl
from termios import FIONREAD
from typing import Any

Take = Callable[..., object]


@contextlib.contextmanager
def heard_together(loop: Any) -> Iterator[None]:
    """Have a loop to which gRPC is bound within, as it is by making a server, hear of completions together.

    One that gRPC is bound to already goes on as it did.
    """
    asked = list[tuple[socket.socket, Take, tuple[Any, ...]]]()
    # In the place of the loop's own: gRPC asks it for a reader then, and keeps what is read and by what to itself.
    loop.add_reader = lambda read_socket, take, *args: asked.append((read_socket, take, args))
    try:
        yield
    finally:
        del loop.add_reader
        for read_socket, take, args in asked:
            loop.add_reader(read_socket, all_at_once(read_socket, take), *args)


def all_at_once(read_socket: socket.socket, take: Take) -> Take:
    """Return what takes all bytes that are there but one, and calls `take`, which takes that one.

    A byte is written after its completion was queued: whoever takes it early finds the completion there.
    """
    fd, receive, there = read_socket.fileno(), read_socket.recv, array("i", [0])

    def take_all(*args: Any) -> None:
        ioctl(fd, FIONREAD, there)
        if there[0] > 1:
            with contextlib.suppress(BlockingIOError):  # Another loop of the process took them.
                receive(there[0] - 1)
        take(*args)

    return take_all
