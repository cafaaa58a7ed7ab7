"""journey: all that became of an order or a payment, in every service, as one story.

| what | where |
|---|---|
| the steps that a resource's state tells of, and their order | `domain` |
| what is asked of the other services | `peers` |
| from any id to its story: what belongs together | `commands`, called by `rpc.py` |

It keeps no tables, hears of no events and emits none: no PostgreSQL schema, no clock, no `store`, `handlers` or `jobs`
(docs/adr/0017-journey-is-a-service-of-its-own.md).

`peers` is a room of this service alone and stands where a `store` would: what a story is made of lies in other
services, and comes by their public RPCs, all of them reads, instead of by SQL. For the same reason `domain` reads their
generated messages: they are what it tells of.

RPCs: GetJourney. Peers: order, payment, accounting, settlement, withdrawal, notification, at the addresses in
PAYSTREAM_PEERS.

Invariants: a service that is away is named in the answer and asked once; every list and every wait has a bound, and an
answer that met one says so; steps are in order of business time, the whole before its parts.
"""
