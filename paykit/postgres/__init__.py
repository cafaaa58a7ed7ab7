"""PostgreSQL, once for all services.

- `table`: what services declare their tables with; `lock_order`: the order in which they lock them.
- `database`: connections, transactions and their retries; `faults`: what its errors mean; `stuck_sessions`.
- `rows`: what set-based statements share; `runtime_schema`: the tables in every service's schema; `outbox`.
- `schema_changes`: what migrations change tables with under traffic; `schema_support`: which builds a schema takes.
- `wakeups`: signals between the processes of a service.
"""
