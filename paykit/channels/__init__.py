"""Calls to whoever moves money: the `Channel` protocol and its adapters, attempts, and the evidence about them.

- `channel`, `requests`: what an adapter implements, and what it is asked; `registry`: from a route to a channel;
  `adapters`: those that come with paystream.
- `actions`, `payer_actions`: what a payer has to do before a channel decides, and what evidence says of it.
- `attempts`: an attempt, evidence, and what evidence proves (pure); `attempt_schema` and `attempt_table` keep both.
- `calls`: sending attempts and inquiring about them, by `exchange`; `overdue`: those whose outcome is late.
- `attempt_messages`: attempts on the wire.
"""
