"""Write docs/api/openapi.yaml, made of the protos; `--check` compares.

JSON is YAML, and is written by the standard library the same everywhere: so it is.
"""

import argparse
import json
import sys
import tempfile
import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from grpc_tools import protoc

from paytools.openapi import comments, document

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
    return document.document(comments.comments(commented()), version=project["version"])


def commented() -> FileDescriptorSet:
    """Return all protos with their comments, which generated code does not keep."""
    files = sorted(path.relative_to(ROOT / "protos").as_posix() for path in (ROOT / "protos").rglob("*.proto"))
    with tempfile.NamedTemporaryFile() as out:
        well_known = str(resources.files("grpc_tools") / "_proto")
        places = [f"-I{ROOT / 'protos'}", f"-I{ROOT / 'protos_vendor'}", f"-I{well_known}"]
        wanted = ["--include_imports", "--include_source_info", f"--descriptor_set_out={out.name}"]
        if protoc.main(["protoc", *places, *wanted, *files, "google/rpc/error_details.proto"]) != 0:
            raise RuntimeError("protoc failed")
        return FileDescriptorSet.FromString(Path(out.name).read_bytes())


if __name__ == "__main__":
    main()
