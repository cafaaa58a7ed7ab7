#!/usr/bin/env bash
# Generate gen/ and docs/api/ from protos/ and schemas/avro/, docs/webhooks/ from the latter, and what is watched (deploy/prometheus,
# deploy/grafana) from scripts/monitoring. With --check: fail when they differ from what would be generated.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$PWD/.venv/bin
out=$(mktemp -d "${TMPDIR:-/tmp}/paystream-gen.XXXXXX")
trap 'rm -rf "$out"' EXIT
mapfile -t own < <(cd protos && find . -name '*.proto' | sed 's|^\./||' | LC_ALL=C sort)
"$bin/python" -m grpc_tools.protoc -Iprotos -Iprotos_vendor \
  --plugin=protoc-gen-mypy="$bin/protoc-gen-mypy" --plugin=protoc-gen-mypy_grpc="$bin/protoc-gen-mypy_grpc" \
  --python_out="$out" --grpc_python_out="$out" --mypy_out=quiet:"$out" --mypy_grpc_out=quiet:"$out" "${own[@]}"
# Without type stubs, which would be a sixth of gen/: three modules of ours read two names of it.
"$bin/python" -m grpc_tools.protoc -Iprotos_vendor --python_out="$out" buf/validate/validate.proto
# A file without services yields empty gRPC stubs: leave them out.
for stub in $(find "$out" -name '*_pb2_grpc.py'); do
  grep -q '^class ' "$stub" || rm "$stub" "${stub}i"
done
"$bin/python" scripts/gen_events.py --out "$out"
find "$out" -type d -exec touch {}/__init__.py \;
rm "$out/__init__.py"
if [ "${1:-}" = --check ]; then
  diff -r -x __pycache__ "$out" gen || { echo "gen/ is stale: run make gen" >&2; exit 1; }
  "$bin/python" -m scripts.gen_webhook_schemas --check
  "$bin/python" -m scripts.gen_api_documents --check
  "$bin/python" -m scripts.gen_openapi --check
  "$bin/python" -m scripts.gen_monitoring --check
  exit 0
fi
# Copy in place (not delete and move), so that a process importing from gen/ meanwhile never misses a file.
cp -rf "$out"/. gen/
(cd gen && find . -type f -not -path '*/__pycache__/*') | while read -r file; do
  [ -f "$out/$file" ] || rm -f "gen/$file"
done
find gen -type d -empty -delete
"$bin/python" -m scripts.gen_webhook_schemas
"$bin/python" -m scripts.gen_api_documents
"$bin/python" -m scripts.gen_openapi
"$bin/python" -m scripts.gen_monitoring
