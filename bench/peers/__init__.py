"""Other ledgers, given the same payments on the same machine: see docs/performance.md. No part of `make bench`."""
