#!/usr/bin/env bash
# Show every part of the local stack and whether it serves.
#   scripts/health-check.sh
# Exit status: 0 everything serves; 3 something does not, or nothing runs; 2 wrong usage.
set -euo pipefail
exec "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/paystream.sh" status "$@"
