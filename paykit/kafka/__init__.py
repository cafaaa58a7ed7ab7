"""Kafka: `client` wraps the driver once, `topics` declares, `relay` publishes the outbox, `tail` reads for people."""
