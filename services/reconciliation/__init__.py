"""Reconciliation: what channels say in their statements, held against what is recorded; people end the differences.

| what | where |
|---|---|
| a discrepancy | `domain/discrepancy.py`, SQL in `store/discrepancy.py`, read by `rpc/discrepancy.py` |
| how one can end, and what a correction of it books | `domain/resolution.py`, fed by `store/difference.py` |
| its end, and the events that tell of it | `domain/ending.py` |
| corrections that another person decides | `domain/correction.py`, SQL in `store/correction.py` |
| contradictions of the money line, listed here and decided there | `contradiction.py` in `domain` and `commands` |
| what people ask for | `commands/resolving.py`, called by `rpc/resolving.py` |
| what the ledger answers | `commands/booking.py`, called by `handlers.py` |
| what has not cleared, and who holds it | `domain/uncleared.py`, SQL in `store/uncleared.py`, metrics in `jobs.py` |

Records: `discrepancy`, `correction`. Projections: `uncleared` (of accounting.events and channel.events),
`ledger_account_kind` (of accounting.events).

RPCs: GetDiscrepancy ListDiscrepancies ResolveDiscrepancy ApproveCorrection RejectCorrection ListCorrections
ListUncleared. Topics: in accounting.events, channel.events, payment.events and withdrawal.events; out
reconciliation.events.

Invariants: a discrepancy ends once; a contradiction of the money line is decided where it is, never here; what moves
money is booked or explained by two people; of a discrepancy one correction waits at a time, and it is over when the
ledger has booked it; what is uncleared adds up to the ledger's balances.
"""
