"""One version, wherever one is shown: of the services, the client, the documents and the release that clients have."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from paytools.cli import main
from scripts import release_contracts

ROOT = Path(__file__).parents[2]
HEADING = re.compile(r"^## \[(\d+\.\d+\.\d+)\] - (\d{4}-\d{2}-\d{2})$", re.MULTILINE)


def project(path: str) -> str:
    return str(tomllib.loads((ROOT / path).read_text(encoding="utf-8"))["project"]["version"])


VERSION = project("pyproject.toml")


def released() -> list[str]:
    """The versions that CHANGELOG has notes of, the newest first."""
    return [version for version, _ in HEADING.findall((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))]


def numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def test_the_wheel_and_the_archive_have_the_version_of_the_services() -> None:
    assert project("clients/python/pyproject.toml") == VERSION
    assert release_contracts.version() == VERSION


@pytest.mark.parametrize(
    "path",
    [
        *("docs/api/openapi.yaml", "docs/api/asyncapi.yaml"),
        *(str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("docs/api/contracts/*.yaml"))),
    ],
)
def test_a_document_of_the_contracts_has_it(path: str) -> None:
    document = json.loads((ROOT / path).read_text(encoding="utf-8"))
    assert document.get("version", document.get("info", {}).get("version")) == VERSION


def test_the_command_tells_it() -> None:
    told = CliRunner().invoke(main.application(""), ["--version"])
    assert (told.exit_code, told.output) == (0, f"paystream {VERSION}\n")


def test_what_is_released_has_notes_and_its_protos() -> None:
    """The protos that breaking changes are looked for in are of the newest release, which is at most this version."""
    newest = released()[0]
    assert sorted(released(), key=numbers, reverse=True) == released()
    assert numbers(newest) <= numbers(VERSION)
    assert [path.name for path in (ROOT / "protos" / "released").iterdir()] == [f"{newest}.binpb.gz"]
