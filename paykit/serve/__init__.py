"""Serving calls.

- For services: `operations` (group commit, request ids), `batching`, `streaming`, `listing`, `waiting`, `timestamps`.
- `server`, `interceptors`, `edge`, `wrapping`: the way of a call; `auth`, `validation`, `idempotency`, `status`.
"""
