"""channel: the simulated acquirer and bank that stands behind payment and withdrawal until real ones do.

| what | where |
|---|---|
| the books: what an attempt does, and what later becomes of it | `domain.py`, SQL in `store.py` |
| how an attempt is answered, by its amount or its id | `fate.py` |
| what happens to money that has moved | `sequels.py`, `payout.py`; SQL in `sequel_store.py` |
| a dispute: opened, answered, decided | `dispute.py`, `dispute_*.py` |
| what is asked of the channel | `commands.py`, called by `rpc.py` |
| telling those who asked what came late | `callbacks.py`, `callback_calls.py`; SQL in `callback_store.py` |
| closing a day's statement | `statements.py`; SQL in `statement_store.py` |

Tables (all records): attempt (which attempts were taken, and what they said), channel_transaction (one row for each),
card_authorization (what is authorized, captured, refunded and disputed), dispute, sequel (payouts to come back and
captures to be disputed), behaviour, callback (what is to be told), statement.
RPCs: Authorize, Capture, Cancel, Refund, Pay, Inquire, each unary and batch; OpenDispute, RespondToDispute, GetDispute;
SetBehaviour, GetBehaviour.
Topics out: channel.events (a line for each movement of money, key channel_reference; ChannelStatementClosed for each
day and currency). Topics in: none.

Invariants: an attempt_id is taken once; captured <= authorized and refunded + disputed <= captured, pending ones
included; money that moved has exactly one statement line for each move. How a call is answered depends on its amount,
else on the behaviour set; an attempt always meets the same fate.
"""
