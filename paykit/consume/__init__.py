"""Consuming events: exactly-once effects, by offsets that live in the transaction of the effects.

- Public, for services: `delivery`, what they declare about events, and what handlers get and answer; `observing`,
  batches in traces, and ages of events.
- For processes and tools: `application`, the consuming side of a service without Kafka; `consumer`, which feeds it;
  `redelivery`, its parked events; `replay`, its dead letters and skipped events.
- From Kafka: `fetching`, `start_positions`, `schema_learning`; `halting`, when a partition halts and goes on; `lag`.
- Into PostgreSQL: `prepared`, what a record is and becomes; `handling` and `ordering_groups`, order per key;
  `setting_aside`, what was not applied; `watermark`, what has waited in vain; `store`, the SQL.
"""
