"""The archive of a release: what code generators need, and nothing that changes without the contracts."""

import tomllib
from pathlib import Path
from zipfile import ZipFile

from paykit.events import schema_files
from scripts import release_contracts

ROOT = Path(__file__).parents[3]


def test_the_archive_has_every_proto_and_the_newest_schema_of_every_record(tmp_path: Path) -> None:
    path = release_contracts.write(tmp_path / "dist")
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    folder = f"paystream-contracts-{version}"
    assert path == tmp_path / "dist" / f"{folder}.zip"
    with ZipFile(path) as archive:
        archive.extractall(tmp_path)
    unpacked = tmp_path / folder
    assert {file.name for file in tmp_path.iterdir()} == {"dist", folder}
    for tree in ("protos", "protos_vendor"):
        protos = {proto.relative_to(ROOT): proto.read_bytes() for proto in (ROOT / tree).rglob("*.proto")}
        assert {
            proto.relative_to(unpacked): proto.read_bytes() for proto in (unpacked / tree).rglob("*.proto")
        } == protos
    newest = {f"{file.topic}/{file.record}.avsc": file.path for file in schema_files.newest(schema_files.schema_root())}
    schemas = {str(file.relative_to(unpacked / "schemas")): file for file in unpacked.rglob("*.avsc")}
    assert sorted(schemas) == sorted(newest)
    assert all(schemas[name].read_bytes() == newest[name].read_bytes() for name in newest)
    documents = {path for path in (ROOT / "docs" / "api").rglob("*.yaml") if "vendor" not in path.parts}
    named = {path.relative_to(ROOT / "docs" / "api"): path.read_bytes() for path in documents}
    assert {
        path.relative_to(unpacked / "api"): path.read_bytes() for path in (unpacked / "api").rglob("*.yaml")
    } == named
    assert {path.name for path in documents} >= {"openapi.yaml", "asyncapi.yaml", "payment.events.odcs.yaml"}
    assert (unpacked / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


def test_the_same_contracts_give_the_same_archive(tmp_path: Path) -> None:
    first, second = (release_contracts.write(tmp_path / name).read_bytes() for name in ("first", "second"))
    assert first == second
