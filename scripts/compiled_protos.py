"""Protos compiled with their comments, which generated code does not keep."""

import tempfile
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
VENDORED = ROOT / "protos_vendor"


def compiled(protos: Path = PROTOS, *, besides: Sequence[str] = ()) -> FileDescriptorSet:
    """Return all protos below a directory and what they import, with source info; `besides` names vendored files.

    Raises:
        RuntimeError: They do not compile; protoc has said why.
    """
    files = sorted(path.relative_to(protos).as_posix() for path in protos.rglob("*.proto"))
    with tempfile.NamedTemporaryFile() as out:
        well_known = str(resources.files("grpc_tools") / "_proto")
        places = [f"-I{place}" for place in (protos, VENDORED, well_known)]
        wanted = ["--include_imports", "--include_source_info", f"--descriptor_set_out={out.name}"]
        if protoc.main(["protoc", *places, *wanted, *files, *besides]) != 0:
            raise RuntimeError("protoc failed")
        return FileDescriptorSet.FromString(Path(out.name).read_bytes())
