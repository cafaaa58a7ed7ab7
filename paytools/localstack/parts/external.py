"""A part that others run: it is only asked whether it serves."""

from collections.abc import Callable

from paytools.localstack.steps import Steps


class External:
    """Postgres, Kafka or registry, given by configuration."""

    after: tuple[str, ...] = ()
    result = "serves"
    marker = ""

    def __init__(self, name: str, *, endpoint: str, probe: Callable[[str], bool]) -> None:
        self.name = name
        self._endpoint = endpoint
        self._probe = probe

    def prepare(self) -> Steps:
        """Do nothing: it runs already."""
        yield from ()

    def command(self) -> None:
        """Start nothing."""

    def healthy(self) -> bool:
        """Ask it."""
        return self._probe(self._endpoint)

    def settle(self) -> None:
        """Change nothing: it belongs to others."""

    def endpoint(self) -> str:
        """Return the address as configured."""
        return self._endpoint
