"""Consuming events: exactly-once effects, by offsets that live in the transaction of the effects.

- For services: `delivery`, what they declare, get and answer.
- `consumer` and `fetching`: from Kafka; `application`, `ordering_groups`, `inbox` and `offsets`: into PostgreSQL.
- `setaside`, `redelivery` and `watermark`: what could not be applied yet; `failure_window`: when a partition halts.
"""
