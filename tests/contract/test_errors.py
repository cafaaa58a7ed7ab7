"""docs/errors.md lists every reason with its code, and nothing else."""

import importlib
import pkgutil
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paykit
import services
from paykit.errors import DomainError
from paykit.serve import status
from paykit.serve.operations import Operation
from paytools.gateway.refusals import FILE_INCOMPLETE, REFUSALS

DOCUMENT = Path(__file__).parents[2] / "docs/errors.md"
ROW = re.compile(
    r'^\| <a id="(?P<anchor>[A-Z_]+)"></a>`(?P<reason>[A-Z_]+)` \| (?P<code>[A-Z_]+) \| (?P<meaning>\S.*) \|$',
    re.MULTILINE,
)
HEALING = re.compile(r"^\| (?P<reason>[A-Z_]+) \| (?P<after>\d+ s|\d+ h|until `\w+`) \| \S.* \|$", re.MULTILINE)
SECONDS = {"s": 1, "h": 3_600}
IN_PART = {"ILLEGAL_TRANSITION": "NotHeldYet"}
"""Reasons of which time heals only what one class stands for."""
BY_INSTANCE = {"SETTLEMENT_NOT_DUE"}
"""Reasons whose every refusal says by itself how long it takes."""


def test_every_reason_is_in_the_catalogue_with_its_code_and_no_other_is() -> None:
    raised = {(error.reason, status.CODES[error.kind].name) for error in refusals()}
    raised.add((status.INTERNAL_REASON, "INTERNAL"))
    raised |= {(refusal.reason, refusal.code.name) for refusal in (*REFUSALS.values(), FILE_INCOMPLETE)}
    listed = [(row["reason"], row["code"]) for row in ROW.finditer(DOCUMENT.read_text(encoding="utf-8"))]
    assert sorted(raised) == sorted(listed)


def test_every_reason_says_whether_time_heals_it() -> None:
    listed = {
        row["reason"]: int(row["after"].split()[0]) * SECONDS[row["after"].split()[1]]
        for row in HEALING.finditer(DOCUMENT.read_text(encoding="utf-8"))
        if row["reason"] not in BY_INSTANCE
    }
    assert {"CALLS_EXHAUSTED", "WITHDRAWAL_LIMIT_EXCEEDED"} <= set(listed)
    for error in refusals():
        heals = IN_PART.get(error.reason, error.__name__) == error.__name__
        assert error.retry_after_s == (listed.get(error.reason) if heals else None), error


def test_what_calls_wait_for_is_what_time_heals() -> None:
    waited = {missing for operation in operations() for missing in operation.waits_for}
    assert {"MERCHANT_UNKNOWN", "ORDER_UNKNOWN"} <= {error.reason for error in waited}
    assert [error for error in waited if error.retry_after_s is None] == []


def test_a_link_to_a_reason_leads_to_its_line() -> None:
    assert [
        row["reason"] for row in ROW.finditer(DOCUMENT.read_text(encoding="utf-8")) if row["anchor"] != row["reason"]
    ] == []


def test_a_reason_has_one_code() -> None:
    listed = [row["reason"] for row in ROW.finditer(DOCUMENT.read_text(encoding="utf-8"))]
    assert len(listed) == len(set(listed))


def refusals() -> list[type[DomainError]]:
    for package in (paykit, services):
        _import_all(package.__path__, package.__name__)
    return [error for error in _subclasses(DomainError) if _own(error)]


def operations() -> list[Operation[Any, Any, Any]]:
    refusals()
    modules = [module for name, module in sys.modules.items() if name.startswith("services.")]
    return [each for module in modules for each in vars(module).values() if isinstance(each, Operation)]


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
