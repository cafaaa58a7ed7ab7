"""Write docs/api/openapi.yaml, made of the protos; `--check` compares.

JSON is YAML, and is written by the standard library the same everywhere: so it is.
"""

import argparse
import json
import sys
import tomllib
from pathlib import Path
from typing import Any

from paytools.openapi import comments, document
from scripts.compiled_protos import compiled

ROOT = Path(__file__).resolve().parent.parent
PATH = ROOT / "docs" / "api" / "openapi.yaml"


def main() -> None:
    """Write the document, or say that it is stale and leave with 1."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    text = f"{json.dumps(openapi(), indent=1, ensure_ascii=False)}\n"
    if not parser.parse_args().check:
        PATH.write_text(text, encoding="utf-8")
    elif not PATH.exists() or PATH.read_text(encoding="utf-8") != text:
        sys.stderr.write(f"{PATH.relative_to(ROOT)} is stale: run make gen\n")
        sys.exit(1)


def openapi() -> dict[str, Any]:
    """Return the document of the protos as they are."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return document.document(
        comments.comments(compiled(besides=["google/rpc/error_details.proto"])), version=project["version"]
    )


if __name__ == "__main__":
    main()
