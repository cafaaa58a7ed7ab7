#!/usr/bin/env bash
# Run the `paystream` command of this clone from any directory, on the stack kept in the clone's .paystream/.
# Installs what it needs first. PAYSTREAM_HOME=... names another stack.
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
"$root/scripts/setup.sh" >&2
export PAYSTREAM_HOME="${PAYSTREAM_HOME:-$root/.paystream}"
exec "$root/.venv/bin/paystream" "$@"
