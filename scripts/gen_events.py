"""Generate the event classes, paystream/<service>/v1/events.py and their base, from schemas/avro: `--out DIR`."""

import argparse
from pathlib import Path

from paytools.contracts import generator

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Write every module below the directory given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    out: Path = parser.parse_args().out
    base = {f"paystream/{path.name}": path.read_text(encoding="utf-8") for path in generator.SHARED}
    for name, text in (base | generator.generate(ROOT / "schemas" / "avro")).items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
