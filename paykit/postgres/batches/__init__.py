"""Many events in one row of the outbox: `outbox_batches` packs and unpacks, `outbox_writing` writes them.

`emitted` is what a transaction has emitted until then.
"""
