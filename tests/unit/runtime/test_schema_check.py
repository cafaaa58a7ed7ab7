"""Which builds may run on which schemas."""

import pytest

from paykit.postgres import runtime_schema
from paykit.postgres.upgrades.schema_support import SchemaState
from paykit.process import revisions
from paykit.process.catalogue import schema_names
from paykit.process.schema_check import refusal

KNOWN = ["order_0001", "order_0002", "order_0003"]
RUNTIME = runtime_schema.version()


def state(revision: str, oldest_build: str | None, runtime_version: int = RUNTIME) -> SchemaState:
    return SchemaState(revision=revision, oldest_build=oldest_build, runtime_version=runtime_version)


@pytest.mark.parametrize(
    "found",
    [
        state("order_0003", "order_0003"),
        state("order_0003", None),
        state("order_0003", "order_0001", RUNTIME + 1),
        state("order_0005", "order_0003"),
        state("order_0005", "order_0002"),
    ],
    ids=["its own", "made before that was recorded", "newer runtime", "expanded since", "expanded since long"],
)
def test_a_build_runs_on_its_own_schema_and_on_one_that_was_only_expanded_since(found: SchemaState) -> None:
    assert refusal("order", KNOWN, found) is None


@pytest.mark.parametrize("oldest_build", ["order_0001", "order_0002", None])
def test_an_older_schema_is_refused_with_both_revisions(oldest_build: str | None) -> None:
    assert refusal("order", KNOWN, state("order_0002", oldest_build)) == (
        "the schema of order is at order_0002, and this build needs order_0003: run `paystream db migrate order`"
    )


@pytest.mark.parametrize(("oldest_build", "named"), [("order_0004", "order_0004"), (None, "order_0005")])
def test_a_newer_schema_that_contracted_is_refused_with_both_revisions(oldest_build: str | None, named: str) -> None:
    assert refusal("order", KNOWN, state("order_0005", oldest_build)) == (
        f"the schema of order is at order_0005, which takes builds from {named} on, and this build is of order_0003: "
        "run a newer build"
    )


def test_older_tables_of_the_runtime_are_refused() -> None:
    assert refusal("order", KNOWN, state("order_0003", "order_0003", RUNTIME - 1)) == (
        f"the runtime's tables in the schema of order are of version {RUNTIME - 1}, and this build needs {RUNTIME}: "
        "run `paystream db migrate order`"
    )


def test_revisions_are_numbered_from_one_without_gaps_and_named_by_their_files() -> None:
    for service in schema_names():
        known = revisions.revisions_of(service)
        files = [path for path in revisions.migrations_of(service).glob("*.py") if path.stem != "__init__"]
        assert known == [f"{service}_{number:04}" for number in range(1, len(files) + 1)]
        for path in files:
            number = revisions.number_of("_".join(path.stem.split("_")[:2]))
            before = f'"{service}_{number - 1:04}"' if number > 1 else "None"
            text = path.read_text()
            assert f'\nrevision = "{service}_{number:04}"\n' in text
            assert f"\ndown_revision = {before}\n" in text
