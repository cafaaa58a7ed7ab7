"""Build the wheel paystream-client: `python -m scripts.release_client --out DIR`.

Its sources are clients/python; the generated code, the published schemas and their worked examples are added from gen/
and schemas/avro.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from paytools.contracts import published

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "clients" / "python"
SCHEMAS = ROOT / "schemas" / "avro"
BUILD_S_MAX = 300

_PARTS = (".avsc", ".golden.bin")
_NO_CACHE = shutil.ignore_patterns("__pycache__")


def stage(directory: Path) -> None:
    """Put together what the wheel is made of."""
    shutil.copytree(SOURCES, directory, dirs_exist_ok=True, ignore=_NO_CACHE)
    shutil.copy(ROOT / "LICENSE", directory)
    for package in ("paystream", "buf"):
        shutil.copytree(ROOT / "gen" / package, directory / package, ignore=_NO_CACHE)
    (directory / "paystream" / "py.typed").touch()
    schemas = directory / "paystream_client" / "schemas"
    for name in published.read_lock(SCHEMAS):
        version = SCHEMAS / name
        (schemas / name).parent.mkdir(parents=True, exist_ok=True)
        for ending in _PARTS:
            file = version.with_name(version.stem + ending)
            shutil.copy(file, (schemas / name).parent / file.name)
    (schemas / "__init__.py").touch()


def build(out: Path) -> Path:
    """Write the wheel to a directory, and return its path.

    Raises:
        subprocess.CalledProcessError: It cannot be built; what was said stands in its output.
    """
    out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="paystream-client-") as scratch:
        stage(Path(scratch) / "source")
        wheels = Path(scratch) / "wheels"
        command = ["pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir"]
        subprocess.run(
            [sys.executable, "-m", *command, str(wheels), str(Path(scratch) / "source")],
            check=True,
            capture_output=True,
            text=True,
            timeout=BUILD_S_MAX,
        )
        [wheel] = wheels.iterdir()
        return Path(shutil.copy(wheel, out))


def main() -> None:
    """Build it and print its path."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="directory of the wheel")
    print(build(parser.parse_args().out))


if __name__ == "__main__":
    main()
