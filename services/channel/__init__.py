"""channel: the simulated acquirer and bank that stands behind payment and withdrawal until real ones do.

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
