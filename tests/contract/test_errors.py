"""docs/errors.md lists every reason with its code, and nothing else."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import paykit
import services
from paykit.errors import DomainError
from paykit.serve import status

DOCUMENT = Path(__file__).parents[2] / "docs/errors.md"
ROW = re.compile(r"^\| `(?P<reason>[A-Z_]+)` \| (?P<code>[A-Z_]+) \| (?P<meaning>\S.*) \|$", re.MULTILINE)


def test_every_reason_is_in_the_catalogue_with_its_code_and_no_other_is() -> None:
    for package in (paykit, services):
        _import_all(package.__path__, package.__name__)
    raised = {(error.reason, status.CODES[error.kind].name) for error in _subclasses(DomainError) if _own(error)}
    raised.add((status.INTERNAL_REASON, "INTERNAL"))
    listed = [(row["reason"], row["code"]) for row in ROW.finditer(DOCUMENT.read_text(encoding="utf-8"))]
    assert sorted(raised) == sorted(listed)


def test_a_reason_has_one_code() -> None:
    listed = [row["reason"] for row in ROW.finditer(DOCUMENT.read_text(encoding="utf-8"))]
    assert len(listed) == len(set(listed))


def _own(error: type[DomainError]) -> bool:
    """Leave out errors of tests, and bases that stand for several reasons and are never raised themselves."""
    return error.__module__.split(".")[0] in {"paykit", "services"} and hasattr(error, "reason")


def _subclasses(cls: type[DomainError]) -> Iterator[type[DomainError]]:
    for subclass in cls.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)


def _import_all(path: object, prefix: str) -> None:
    for module in pkgutil.walk_packages(path, f"{prefix}."):  # type: ignore[arg-type]
        if ".migrations" not in module.name and not module.name.endswith(".__main__"):
            importlib.import_module(module.name)
