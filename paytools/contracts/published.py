"""What is published and may never change: `published.lock`, and the main branch where git is at hand.

`published.lock` names each published version with the fingerprint of its schema; only `paystream schemas publish`
appends to it.
"""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

from paykit.events import schema_files
from paykit.events.violation import Rule, Violation

LOCK = "published.lock"
GIT_TIMEOUT_S = 10
MAIN = ("main", "origin/main")
_HEADER = (
    "# Published schema versions and the SHA-256 of each. Appended to by `paystream schemas publish`, never edited.\n"
)


def read_lock(root: Path) -> dict[str, str]:
    """Return the fingerprint of every published version by the name of its file."""
    path = root / LOCK
    if not path.exists():
        return {}
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return {name: fingerprint for fingerprint, name in (line.split() for line in lines)}


def append_lock(root: Path, versions: list[schema_files.SchemaFile]) -> None:
    """Declare versions published."""
    path = root / LOCK
    text = path.read_text(encoding="utf-8") if path.exists() else _HEADER
    path.write_text(text + "".join(f"{schema_files.fingerprint(file.schema)}  {file.name}\n" for file in versions))


def check(root: Path, present: dict[str, schema_files.SchemaFile]) -> Iterator[Violation]:
    """Compare the files with what was published, in the lock and on the main branch."""
    before = {**_on_main(root), **read_lock(root)}
    for name, fingerprint in before.items():
        file = present.get(name)
        if file is None:
            message = "a published version is kept for ever"
            yield Violation(file=name, field="", rule=Rule.PUBLISHED_REMOVED, message=message)
        elif schema_files.fingerprint(file.schema) != fingerprint:
            message = f"a published version was edited; write {file.version + 1}.avsc instead"
            yield Violation(file=name, field="", rule=Rule.PUBLISHED_EDITED, message=message)


def _on_main(root: Path) -> dict[str, str]:
    """Return the fingerprints of the versions on the main branch that differ here; none without git."""
    for branch in MAIN:
        changed = _git(root, "diff", "--name-only", "--relative", "--diff-filter=MDRT", branch, "--", ".")
        if changed is not None:
            names = [name for name in changed.splitlines() if name.endswith(".avsc")]
            return {name: _fingerprint_of(_git(root, "show", f"{branch}:./{name}")) for name in names}
    return {}


def _fingerprint_of(text: str | None) -> str:
    try:
        return schema_files.fingerprint(json.loads(text or ""))
    except ValueError:
        return ""


def _git(root: Path, *arguments: str) -> str | None:
    """Run git in the schema directory; None where there is no git, no repository or no such branch."""
    command = ["git", "-C", str(root), *arguments]
    try:
        outcome = subprocess.run(command, capture_output=True, text=True, timeout=GIT_TIMEOUT_S, check=False)  # noqa: S603 - constant
    except (OSError, subprocess.TimeoutExpired):
        return None
    return outcome.stdout if outcome.returncode == 0 else None
