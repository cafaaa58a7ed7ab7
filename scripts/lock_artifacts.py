"""Write paytools/localstack/artifacts.lock.toml: the SHA-256 of every file the local stack runs.

To change a version, edit the coordinates in the lock file and run `.venv/bin/python scripts/lock_artifacts.py`; every
file is fetched anew and its checksum written. With `--check` nothing is written, and a difference ends with status 1.
The set of jars is the runtime scope of `org.apache.kafka:kafka_2.13` as `mvn dependency:list -DincludeScope=runtime`
prints it, plus log4j-slf4j-impl, which the Kafka distribution adds for its logs.
"""

import argparse
import dataclasses
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from paytools.localstack import artifacts

HEADER = """\
# The files of the local stack. Written by scripts/lock_artifacts.py, which says how to change it.
"""


def main() -> int:
    """Lock, or compare when `--check` is given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only")
    check = parser.parse_args().check
    old = artifacts.read_lock(artifacts.LOCK_FILE)
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(artifacts.DOWNLOADS_AT_ONCE) as pool:
        new = list(pool.map(lambda artifact: _locked(artifact, Path(scratch)), old))
    if check:
        for before, after in zip(old, new, strict=True):
            if before != after:
                print(f"{before}: locked {before.sha256}, fetched {after.sha256}")
        return int(old != new)
    artifacts.LOCK_FILE.write_text(HEADER + "".join(_entry(artifact) for artifact in new))
    return 0


def _locked(artifact: artifacts.Artifact, scratch: Path) -> artifacts.Artifact:
    return dataclasses.replace(artifact, sha256=artifacts.sha256_of(artifacts.download(artifact, scratch)))


def _entry(artifact: artifacts.Artifact) -> str:
    defaults = {"packaging": "jar", "classifier": ""}
    fields = {key: value for key, value in dataclasses.asdict(artifact).items() if defaults.get(key) != value}
    return "\n[[artifact]]\n" + "".join(f'{key} = "{value}"\n' for key, value in fields.items())


if __name__ == "__main__":
    sys.exit(main())
