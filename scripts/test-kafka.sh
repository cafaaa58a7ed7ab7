#!/usr/bin/env bash
# Check that Kafka answers, has the declared topics as declared, and gives back a record that is written to it.
#   scripts/test-kafka.sh [--kafka host:port] [--prefix text]
# Kafka is the local stack's unless --kafka or PAYSTREAM_KAFKA_BOOTSTRAP names another.
# Exit status: 0 all of it holds; 1 something does not, and a line says what; 2 wrong usage.
set -euo pipefail
exec "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/paystream.sh" topics check "$@"
