#!/usr/bin/env bash
# Refuse changes of protos/ that break clients of what was released last; until something is, protos may still be shaped.
set -euo pipefail
cd "$(dirname "$0")/.."
released=$(git describe --tags --match 'v[0-9]*' --abbrev=0 2>/dev/null || true)
if [ -z "$released" ]; then
  echo "breaking: nothing is released yet, nothing to compare with"
  exit 0
fi
for base in origin/main main "$released"; do
  # On main itself the commit before is what clients may have.
  if [ "$(git rev-parse --verify --quiet "$base^{commit}")" = "$(git rev-parse HEAD)" ]; then base=HEAD~1; fi
  if git cat-file -e "$base:protos" 2>/dev/null; then
    exec .venv/bin/buf breaking --against ".git#ref=$(git rev-parse "$base")"
  fi
done
