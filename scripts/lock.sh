#!/usr/bin/env bash
# Pin every package with its hashes from requirements/*.in, for all supported Python versions.
set -euo pipefail
cd "$(dirname "$0")/../requirements"
compile() { uv pip compile --quiet --generate-hashes --universal --python-version 3.11 --no-emit-index-url --no-header "$@"; }
compile dev.in -o dev.txt
compile runtime.in -c dev.txt -o runtime.txt
