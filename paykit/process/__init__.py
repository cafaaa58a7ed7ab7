"""The life of a process: what a service declares, what it then has, and what runs it.

- For services: `service`, what they declare (`declaration`: to the runtime); `runtime`, what they then have.
- `isolation`: jobs whose bad rows hold up no other; `runtime_jobs`: those that every service has.
- `health`: whether a process is well, over HTTP.
- `host` runs them; `catalogue` finds them; `business_clock`, `clock_rpc`.
- `migrate` prepares their databases, `upgrading` while they are in use; `revisions`; `schema_check`, which go together.
"""
