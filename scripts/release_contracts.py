"""Write the contracts of a release as one archive: `python -m scripts.release_contracts --out DIR`.

Protos, with those of others that they import, and the newest schema of each event, for the code generators of other
languages; OpenAPI, AsyncAPI and the data contracts, for people and their tools. The same contracts give the same
archive, byte for byte.
"""

import argparse
import tomllib
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from paytools.contracts import newest

ROOT = Path(__file__).resolve().parent.parent
SCHEMAS = ROOT / "schemas" / "avro"
API = ROOT / "docs" / "api"

_EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The first moment that an archive can hold: of a checkout, times say nothing."""
_READABLE = 0o100644


def version() -> str:
    """Return the version that pyproject.toml gives."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return str(project["project"]["version"])


def contents() -> dict[str, bytes]:
    """Return every file of the archive by its path in it."""
    paths = sorted([*ROOT.glob("protos/**/*.proto"), *ROOT.glob("protos_vendor/**/*.proto")])
    single = ["LICENSE", "buf.yaml", "protos/README.md", "protos_vendor/README.md"]
    files = {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in [*paths, *map(ROOT.joinpath, single)]}
    schemas = newest.named(newest.schemas(SCHEMAS))
    files |= {f"schemas/{name}": file.path.read_bytes() for name, file in schemas.items()}
    documents = ["openapi.yaml", "asyncapi.yaml", *(f"contracts/{path.name}" for path in API.glob("contracts/*.yaml"))]
    files |= {f"api/{name}": (API / name).read_bytes() for name in documents}
    files["schemas/topics.toml"] = (SCHEMAS / "topics.toml").read_bytes()
    return dict(sorted(files.items()))


def write(directory: Path) -> Path:
    """Write `paystream-contracts-<version>.zip`, which unpacks to a folder of that name, and return its path."""
    name = f"paystream-contracts-{version()}"
    path = directory / f"{name}.zip"
    directory.mkdir(parents=True, exist_ok=True)
    with ZipFile(path, "w") as archive:
        for entry, content in _entries(name):
            archive.writestr(entry, content)
    return path


def _entries(name: str) -> Iterator[tuple[ZipInfo, bytes]]:
    for path, content in contents().items():
        entry = ZipInfo(f"{name}/{path}", _EARLIEST)
        entry.compress_type, entry.external_attr = ZIP_DEFLATED, _READABLE << 16
        yield entry, content


def main() -> None:
    """Write the archive and print its path."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="directory of the archive")
    print(write(parser.parse_args().out))


if __name__ == "__main__":
    main()
