"""Generate what is watched from scripts/monitoring: deploy/prometheus/slos.yml, deploy/grafana; `--check` compares."""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from scripts.monitoring import slos
from scripts.monitoring.dashboards import DASHBOARDS

ROOT = Path(__file__).resolve().parent.parent
PROMETHEUS = ROOT / "deploy" / "prometheus"
GRAFANA = ROOT / "deploy" / "grafana"


def main() -> None:
    """Write the files, or say which are stale and leave with 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    if parser.parse_args().check:
        stale = [path for path, text in texts() if not path.exists() or path.read_text(encoding="utf-8") != text]
        for path in stale:
            sys.stderr.write(f"{path.relative_to(ROOT)} is stale: run make gen\n")
        sys.exit(bool(stale))
    for path, text in texts():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def texts() -> Iterator[tuple[Path, str]]:
    """Yield every generated file and its contents."""
    yield PROMETHEUS / "slos.yml", slos.rules()
    for dashboard in DASHBOARDS:
        yield GRAFANA / f"{dashboard.uid}.json", json.dumps(dashboard.model(), indent=2) + "\n"


if __name__ == "__main__":
    main()
