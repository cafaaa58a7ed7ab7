#!/usr/bin/env bash
# Create the topics that are declared in schemas/avro/topics.toml and missing on the cluster; it may be run again.
#   scripts/init-kafka-topics.sh [--kafka host:port] [--prefix text]
# Kafka is the local stack's unless --kafka or PAYSTREAM_KAFKA_BOOTSTRAP names another.
# Exit status: 0 all are there; 1 Kafka cannot be reached, or a topic differs from its declaration; 2 wrong usage.
set -euo pipefail
exec "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/paystream.sh" topics init "$@"
