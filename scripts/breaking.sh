#!/usr/bin/env bash
# Refuse changes of protos/ that break clients of what was released last, whose protos scripts/baseline.sh has kept in protos/released.
set -euo pipefail
cd "$(dirname "$0")/.."
released=(protos/released/*.binpb.gz)
if [ "${#released[@]}" != 1 ] || [ ! -f "${released[0]}" ]; then
  echo "breaking: protos/released must hold the protos of one release: scripts/baseline.sh" >&2
  exit 1
fi
present=$(mktemp "${TMPDIR:-/tmp}/paystream-protos.XXXXXX.binpb")
trap 'rm -f "$present"' EXIT
.venv/bin/buf build -o "$present"
# Images, as the workspace has two modules and an image is one; with --path, as what others wrote is theirs to change.
.venv/bin/buf breaking "$present" --against "${released[0]}" --config buf.yaml --path paystream
