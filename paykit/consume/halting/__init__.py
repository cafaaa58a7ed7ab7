"""Partitions that are not consumed for now: why, until when, and what people decide about them.

- `halt`: the reasons; `halts`: those of one consumer, with their slow retries.
- `failed_runs`, of one batch; `failures` and `failure_window`, of a partition: when failures are too many.
- `steering`: what `paystream consumers` shows and decides.
"""
