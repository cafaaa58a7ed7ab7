#!/usr/bin/env bash
# Keep the protos as they are as those of the version in pyproject.toml: from then on scripts/breaking.sh compares with them.
# A step of making a release (docs/versioning.md), and of nothing else.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' pyproject.toml)
if git rev-parse --verify --quiet "refs/tags/v$version" >/dev/null; then
  echo "baseline: v$version is tagged, and its protos are what they were: give pyproject.toml the next version" >&2
  exit 1
fi
mkdir -p protos/released
rm -f protos/released/*.binpb.gz
.venv/bin/buf build --exclude-source-info -o "protos/released/$version.binpb.gz"
echo "protos/released/$version.binpb.gz"
