"""channel: the simulated acquirer and bank that stands behind payment and withdrawal until real ones do.

| what | where |
|---|---|
| the books: what an attempt does, and what later becomes of it | `domain/transaction.py`, `commands/transaction.py` |
| how an attempt is answered, by its amount or its id | `domain/behaviour.py` |
| what a payer has to do, and what becomes of it | `domain/payer_action.py` |
| what is said of an attempt after it was decided | `domain/late_outcome.py`, `commands/late_outcome.py` |
| which of that an amount brings about by itself | `commands/aftereffect.py` |
| the lines of statements, and those that are wrong on purpose | `domain/line.py`, `domain/misreporting.py` |
| a dispute: opened, answered, decided | `domain/dispute.py`, `commands/dispute.py` |
| closing a day's statement | `commands/statement.py` |
| telling those who asked what came late | `jobs/callbacks.py`, `jobs/callback_calls.py` |
| each table's SQL | its module in `store` |

Tables (all records): attempt (which attempts were taken, and what they said), channel_transaction (one row for each),
card_authorization (what is authorized, captured, refunded and disputed), later_line (lines of money that moved after an
attempt's first), dispute, sequel (what is still to happen to approved attempts), behaviour, callback (what is to be
told), statement.
RPCs of ChannelService: Authorize BatchAuthorize Capture BatchCapture Cancel BatchCancel Refund BatchRefund Pay BatchPay
Inquire BatchInquire RespondToDispute.
RPCs of SimulatorService: SetOutcome DeclineRefunds OpenDispute AdvanceDispute GetDispute SetBehaviour GetBehaviour.
Topics out: channel.events (a line for each movement of money, key channel_reference; ChannelStatementClosed for each
day and currency). Topics in: none.

Invariants: an attempt_id is taken once; what is asked for keeps captured <= authorized and refunded + disputed <=
captured, pending ones included, and only late outcomes pass by these limits; money that moved has exactly one statement
line for each move, and lines never change. How a call is answered depends on its amount, else on the behaviour set; an
attempt always meets the same scenario.
"""
