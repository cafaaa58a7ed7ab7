"""Where everything listens, for programs that use the stack."""

import dataclasses
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FILE_NAME = "endpoints.json"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Endpoints:
    """The addresses of a running stack; `endpoints.json` has the same fields."""

    kafka: str
    """Bootstrap servers, `host:port`."""
    registry: str
    """Base URL of the Confluent-compatible API."""
    postgres: str
    """DSN of the administrator, password included, of database `paystream`."""
    services: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """gRPC address by service, `host:port`."""
    metrics: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Address of the Prometheus page by service, `host:port`."""
    topic_partitions: int | None = None
    """Of each topic of this stack; None where they have the declared number."""
    mail: str = ""
    """Where mails are handed to and kept, `host:port`; empty where none are."""
    gateway: str = ""
    """Base URL of JSON over HTTP and gRPC-Web; empty where no gateway runs."""

    def write(self, home: Path) -> None:
        """Write `endpoints.json`; a reader sees the old or the new file, never half of one."""
        write_private(home / FILE_NAME, dataclasses.asdict(self))

    @classmethod
    def read(cls, home: Path) -> "Endpoints":
        """Read `endpoints.json`.

        Raises:
            FileNotFoundError: The stack is not up.
        """
        return cls(**json.loads((home / FILE_NAME).read_text()))


def write_private(path: Path, content: Any) -> None:
    """Replace a JSON file in one step, readable by its owner alone because it holds a password."""
    descriptor, scratch = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file, indent=2)
        file.write("\n")
    Path(scratch).replace(path)
