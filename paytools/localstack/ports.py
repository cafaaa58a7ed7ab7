"""Choosing ports."""

import socket


def choose(preferred: int, *, taken: set[int]) -> int:
    """Return the preferred port of 127.0.0.1, or a free one when it is in use; the choice is added to `taken`.

    Nothing holds the port until the server binds it; if a program takes it in between, that server fails to start, and
    the stack is planned anew.
    """
    port = preferred if preferred not in taken and is_free(preferred) else _any_free(taken)
    taken.add(port)
    return port


def is_free(port: int) -> bool:
    """Return whether a server could bind this port of 127.0.0.1 now; 0 is no port."""
    if port == 0:
        return False
    with socket.socket() as probe:
        # Servers set it too; without it, connections of the last run that linger would count as use.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _any_free(taken: set[int]) -> int:
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port not in taken:
            return port
