"""The newest published schemas as a directory that code generators of other languages read whole."""

from pathlib import Path

from paykit.events import schema_files
from paykit.events.schema_files import SchemaFile
from paykit.events.violation import Violation
from paytools.contracts import published, shared_types


class SharedTypesDifferError(Exception):
    """One name has several definitions, of which a generator can make no class.

    Attributes:
        violations: Which, and where.
    """

    def __init__(self, violations: list[Violation]) -> None:
        super().__init__("; ".join(str(violation) for violation in violations))
        self.violations = violations


class StrangersFoundError(Exception):
    """The directory has schemas of something else, which a generator would read as well; the text names them."""


def schemas(root: Path) -> list[SchemaFile]:
    """Return the newest published version of every record, ordered by topic and record.

    Raises:
        SharedTypesDifferError: They define one name in several ways.
    """
    lock = published.read_lock(root)
    newest = {(file.topic, file.record): file for file in schema_files.versions(root) if file.name in lock}
    chosen = list(newest.values())
    if violations := list(shared_types.check(chosen)):
        raise SharedTypesDifferError(violations)
    return chosen


def export(root: Path, directory: Path) -> list[Path]:
    """Write `<topic>/<Record>.avsc` for every record, as its newest version stands in the repository.

    Raises:
        SharedTypesDifferError: As `schemas`.
        StrangersFoundError: Other schemas are in the directory, as those of another release; nothing is written.
    """
    texts = {directory / name: file.path.read_bytes() for name, file in named(schemas(root)).items()}
    if strangers := sorted(set(directory.rglob("*.avsc")) - texts.keys()):
        listed = ", ".join(path.relative_to(directory).as_posix() for path in strangers)
        raise StrangersFoundError(f"{directory} has schemas that are not exported: {listed}")
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)
    return list(texts)


def named(files: list[SchemaFile]) -> dict[str, SchemaFile]:
    """Return the files by their path in the directory, as in `payment.events/PaymentSuccess.avsc`."""
    return {f"{file.topic}/{file.record}.avsc": file for file in files}
