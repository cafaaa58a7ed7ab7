"""Kafka: `client` wraps the driver once, `topics` declares, `relay` publishes the outbox, `tail` reads for people.

The relay campaigns; while it leads, `leading` reads the outbox by `read_position`, and its batches by `open_batches`,
`sending` sends a topic's rows, by `lanes`, with their `cloud_events` headers, and `retrying` keeps back what Kafka
refuses, as `refusals` tells.
"""
