"""Calls to whoever moves money: attempts, the evidence about them, and the adapters of channels.

- `attempts`: an attempt, evidence, and what evidence proves (pure); `attempt_schema` and `attempt_table` keep both.
- `calls`: sending attempts and inquiring about them; `overdue`: those whose outcome is late.
- `simulator`: the adapter of the simulated acquirer and bank; `attempt_messages`: attempts on the wire.
"""
