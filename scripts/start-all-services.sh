#!/usr/bin/env bash
# Start PostgreSQL, Kafka, the registry and every service, and return when all of it serves. What runs already is left
# alone, what does not serve is repaired.
#   scripts/start-all-services.sh [--parts-only]
# Stop it with: scripts/paystream.sh down
# Exit status: 0 everything serves; 1 a part did not come up, and the last lines of its log say why; 2 wrong usage.
set -euo pipefail
exec "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/paystream.sh" up --detach "$@"
