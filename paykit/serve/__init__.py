"""Serving calls.

- For services: `operations` (request ids), `batching`, `streaming`, `listing`, `waiting`, `timestamps`.
- `groups`: group commit, and what is held up in it.
- `accepting`: how calls come from gRPC, and what is refused unread.
- `server`, `interceptors`, `edge`, `wrapping`: the way of a call; `auth`, `validation`, `idempotency`, `status`.
"""
