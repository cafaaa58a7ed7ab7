"""Rows of the outbox that wait, as Kafka refuses them or one of their key: `outbox_holds`."""
