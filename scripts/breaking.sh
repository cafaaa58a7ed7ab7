#!/usr/bin/env bash
# Refuse changes of protos/ that break clients of what is on the branch main.
set -euo pipefail
cd "$(dirname "$0")/.."
for base in origin/main main; do
  # On main itself the commit before is what clients may have.
  if [ "$(git rev-parse --verify --quiet "$base^{commit}")" = "$(git rev-parse HEAD)" ]; then base=HEAD~1; fi
  if git cat-file -e "$base:protos" 2>/dev/null; then
    exec .venv/bin/buf breaking --against ".git#ref=$(git rev-parse "$base")"
  fi
done
echo "breaking: nothing to compare with"
