#!/usr/bin/env bash
# Make .venv with every pinned package, checked by hash. Does nothing when the pins have not changed since the last run.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
stamp=.venv/.stamp
want=$("$python" --version; sha256sum requirements/dev.txt pyproject.toml)
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$want" ]; then exit 0; fi
"$python" - <<'PY'
import sys
if not (3, 11) <= sys.version_info[:2] < (3, 14):
    sys.exit(f"paystream supports Python 3.11 to 3.13; this is {sys.version.split()[0]} (set PYTHON=... to choose another)")
PY
echo "setup: installing pinned packages into .venv (about a minute the first time)"
[ -x .venv/bin/python ] && [ "$(.venv/bin/python --version)" = "$("$python" --version)" ] || "$python" -m venv --clear .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
printf '%s' "$want" > "$stamp"
