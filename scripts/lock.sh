#!/usr/bin/env bash
# Pin every package with its hashes from requirements/*.in, for all supported Python versions.
set -euo pipefail
cd "$(dirname "$0")/.."
compile() { uv pip compile --quiet --generate-hashes --universal --python-version 3.11 --no-emit-index-url --no-header "$@"; }
compile requirements/dev.in -o requirements/dev.txt
compile requirements/runtime.in -c requirements/dev.txt -o requirements/runtime.txt
