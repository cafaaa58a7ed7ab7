#!/usr/bin/env bash
# Make .venv with every pinned package, checked by hash. Does nothing when the pins have not changed since the last run.
# PYTHON=... chooses the interpreter; else that of .venv stays, else the first supported one is taken.
set -euo pipefail
cd "$(dirname "$0")/.."
stamp=.venv/.stamp

supported() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null; }

find_python() {
  local candidate candidates=(.venv/bin/python python3 python3.13 python3.12 python3.11)
  if [ -n "${PYTHON:-}" ]; then candidates=("$PYTHON"); fi
  for candidate in "${candidates[@]}"; do
    if supported "$candidate"; then echo "$candidate"; return; fi
  done
  echo "paystream needs Python 3.11 to 3.13; ${PYTHON:-python3} is $("${PYTHON:-python3}" --version 2>&1 | head -1)" \
    "(set PYTHON=... to choose another)" >&2
  return 1
}

# A clone that was moved, another Python, or a start that was interrupted: the old one is of no use.
venv_is_usable() {
  [ -x .venv/bin/python ] && [ "$(.venv/bin/python --version)" = "$("$python" --version)" ] &&
    grep -qsF "$PWD/.venv" .venv/bin/activate && .venv/bin/python -m pip --version >/dev/null 2>&1
}

python=$(find_python)
want=$("$python" --version; echo "$PWD"; sha256sum requirements/dev.txt pyproject.toml)
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$want" ]; then exit 0; fi
echo "setup: installing pinned packages into .venv (about a minute the first time)"
if ! venv_is_usable; then
  if [ "$python" = .venv/bin/python ]; then python=$(readlink -f "$python"); fi
  if [ -L .venv ]; then rm .venv; fi # It is another clone's: to clear it would take that clone's packages away.
  "$python" -m venv --clear .venv
fi
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
printf '%s' "$want" > "$stamp"
