"""A copy of the published schemas to damage."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from paykit.events import schema_files

SUCCESS = "payment.events/PaymentSuccess"
Edit = Callable[[dict[str, Any]], None]


class Schemas:
    """A copy of schemas/avro."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def read(self, name: str) -> dict[str, Any]:
        schema: dict[str, Any] = json.loads((self.root / f"{name}.avsc").read_text())
        return schema

    def edit(self, name: str, change: Edit) -> None:
        """Change a version where it stands."""
        self.write(name, self.read(name), change)

    def add(self, version: int, change: Edit, *, record: str = SUCCESS) -> None:
        """Write a further version from the one before."""
        self.write(f"{record}/{version}", self.read(f"{record}/{version - 1}"), change)

    def write(self, name: str, schema: dict[str, Any], change: Edit) -> None:
        change(schema)
        (self.root / f"{name}.avsc").write_text(json.dumps(schema))


@pytest.fixture
def schemas(tmp_path: Path) -> Schemas:
    """The published schemas, of PaymentSuccess only version 1, to which tests add their own version 2."""
    root = tmp_path / "schemas" / "avro"
    shutil.copytree(schema_files.schema_root(), root)
    later = [path for path in (root / SUCCESS).iterdir() if not path.name.startswith("1.")]
    for path in later:
        path.unlink()
    names = {str(path.relative_to(root)) for path in later}
    lock = root / "published.lock"
    lock.write_text(
        "".join(line for line in lock.read_text().splitlines(keepends=True) if line.split()[-1] not in names)
    )
    return Schemas(root)


def field(schema: dict[str, Any], name: str) -> dict[str, Any]:
    """Find a field of a record."""
    found: dict[str, Any] = next(inner for inner in schema["fields"] if inner["name"] == name)
    return found
