"""The gate of the contracts: everything that `paystream schemas check` refuses, without a network.

A version that is not in `published.lock` is a draft: it must keep every rule and be compatible, but needs no golden and
no generated class yet. Publishing asks for both.
"""

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

from paykit.events import goldens, schema_files
from paykit.events.violation import Rule, Violation
from paytools.contracts import compatibility, generator, published, rules, shared_types


def check(root: Path, *, gen: Path | None = None) -> list[Violation]:
    """Check every schema version; in order of files, each violation once.

    Args:
        root: The directory of topics.toml.
        gen: Where the generated code lies; None leaves that out.
    """
    present, violations = _load(root)
    topics = schema_files.load_topics(root)
    for file in present:
        violations += rules.check(file, topics.get(file.topic))
    by_record: dict[tuple[str, str], list[schema_files.SchemaFile]] = {}
    for file in present:
        by_record.setdefault((file.topic, file.record), []).append(file)
    for versions in by_record.values():
        violations += _numbers(versions)
        for earlier, later in combinations(versions, 2):
            violations += compatibility.compare(earlier, later)
    violations += shared_types.check(versions[-1] for versions in by_record.values())
    violations += published.check(root, {file.name: file for file in present})
    violations += _goldens(root, present)
    if gen is not None and not violations and not drafts(root):
        violations += stale(root, gen)
    return sorted(set(violations))


def drafts(root: Path) -> list[schema_files.SchemaFile]:
    """Return the versions that are not published yet, in the order of the files."""
    lock = published.read_lock(root)
    return [file for file in schema_files.versions(root) if file.name not in lock]


def stale(root: Path, gen: Path) -> list[Violation]:
    """Return the generated modules that are not what the schemas generate now."""
    return [
        Violation(file=f"gen/{name}", field="", rule=Rule.GENERATED_STALE, message="run `make gen`")
        for name, text in generator.generate(root).items()
        if not (gen / name).exists() or (gen / name).read_text(encoding="utf-8") != text
    ]


def _load(root: Path) -> tuple[list[schema_files.SchemaFile], list[Violation]]:
    """Read all files that Avro accepts, and say what is wrong with the others."""
    present: list[schema_files.SchemaFile] = []
    violations: list[Violation] = []
    for path in sorted(root.glob("*/*/*.avsc"), key=lambda path: (path.parts[:-1], len(path.stem), path.stem)):
        try:
            file = schema_files.load(path)
            compatibility.parse_record(file.schema)
            present.append(file)
        except (schema_files.SchemaFileError, compatibility.AvroInvalidError) as error:
            name = path.relative_to(root).as_posix()
            violations.append(Violation(file=name, field="", rule=Rule.AVRO_INVALID, message=str(error)))
    return present, violations


def _numbers(versions: list[schema_files.SchemaFile]) -> Iterator[Violation]:
    for expected, file in enumerate(versions, start=1):
        if file.version != expected:
            message = f"version {expected} is missing; versions count from 1 without gaps"
            yield Violation(file=file.name, field="", rule=Rule.FILE_MISPLACED, message=message)
            return


def _goldens(root: Path, present: list[schema_files.SchemaFile]) -> Iterator[Violation]:
    lock = published.read_lock(root)
    for file in present:
        missing = [path.name for path in (goldens.json_path(file), goldens.body_path(file)) if not path.exists()]
        if missing and file.name in lock:
            message = f"no {' and no '.join(missing)}"
            yield Violation(file=file.name, field="", rule=Rule.GOLDEN_MISSING, message=message)
        elif not missing:
            yield from _golden(file)


def _golden(file: schema_files.SchemaFile) -> Iterator[Violation]:
    try:
        fresh = goldens.encode(file) == goldens.body_path(file).read_bytes()
        message = f"{goldens.body_path(file).name} is not what {goldens.json_path(file).name} encodes to"
    except ValueError as error:
        fresh, message = False, str(error)
    if not fresh:
        yield Violation(file=file.name, field="", rule=Rule.GOLDEN_STALE, message=message)
