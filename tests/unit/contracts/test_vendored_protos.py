"""What is vendored of Google's protos is what the installed package has, whose modules are imported."""

import importlib.metadata
from importlib import resources
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3] / "protos_vendor"
FILES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "google").rglob("*.proto"))


def test_the_files_are_looked_at() -> None:
    assert {"google/api/annotations.proto", "google/api/field_behavior.proto", "google/rpc/status.proto"} <= set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_a_vendored_file_is_the_packages(name: str) -> None:
    package, _, file = name.rpartition("/")
    installed = resources.files(package.replace("/", ".")) / file
    assert (ROOT / name).read_bytes() == installed.read_bytes()


def test_the_version_is_said() -> None:
    version = importlib.metadata.version("googleapis-common-protos")
    assert f"| Python package `googleapis-common-protos` | {version} |" in (ROOT / "README.md").read_text()
