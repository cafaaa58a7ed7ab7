"""PostgreSQL, once for all services.

- `table`: what services declare their tables with; `lock_order`: the order in which they lock them.
- `database`: connections, transactions and their retries; `faults`: what its errors mean; `stuck_sessions`.
- `lanes`: how long transactions wait, and on whose connections; `contention`: for which rows.
- `claims`: which rows a job takes; `pooled`: connections of the pool.
- `rows`: what set-based statements share; `runtime_schema`: the tables in every service's schema.
- `outbox`: events to be sent; `batches`: many of them in a row; `held`: what Kafka refuses of them.
- `partitions`: tables by time, whose old days are dropped.
- `upgrades`: what migrations change tables with under traffic, and which builds a schema takes.
- `wakeups`: signals between the processes of a service.
"""
