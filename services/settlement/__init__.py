"""Settlement: closes what the ledger owes merchants into settlements, by each merchant's policy.

| what | where |
|---|---|
| a policy: cut-offs in the merchant's zone, delay, thresholds | `domain/policy.py`, SQL in `store/merchant.py` |
| an item: what a transaction of the ledger is to a merchant | `domain/item.py`, SQL in `store/item.py` |
| a settlement: states, reserve, events | `domain/settlement.py`, SQL in `store/settlement.py` |
| sums of items, by what they are | `domain/sums.py` |
| what is to be done with all that is pending of a merchant | `domain/closing.py` |
| collecting what the ledger booked | `commands/collecting.py`, called by `handlers.py` |
| closing by policy, or on request | `commands/closing.py`, called by `jobs.py` and `rpc.py` |
| booked or refused by the ledger; releasing reserves | `commands/booking.py`, called by `handlers.py` and `jobs.py` |
| reading settlements and items | `rpc.py`; reports as CSV and JSON in `domain/report.py` |
| `paystream settlement verify`: everything recomputed | `domain/verification.py`, SQL in `store/verification.py` |

Records: `settlement`, `item`. Projection: `merchant` (of merchant.events).

RPCs: GetSettlement ListSettlements ListSettlementItems GetPendingBalance CreateSettlement ExportSettlement.

Topics: in accounting.events (TransactionCreated, TransactionRejected), merchant.events; out settlement.events, keyed by
settlement_id: SettlementCreated SettlementCompleted SettlementFailed ReserveReleased.

States: PENDING -> CREATED -> COMPLETED | FAILED; PENDING -> CARRIED.

Invariants, each with a constraint behind it or proved by `paystream settlement verify`:

- Every effect of a transaction on a merchant's settlement account is one item, written once and never changed. It keeps
  the settlement that it came into; `holder_id` of that settlement names the one that it counts in, which changes in one
  row when a settlement is carried forward or refused.
- The sums of a settlement are those of the items it holds. Once it is closed neither changes.
- PENDING and CREATED settlements together are the balance of the merchant's settlement account in the ledger.
- At most one settlement is PENDING for each merchant, currency and cut-off; it changes under the lock of its row.
- A settlement is closed, completed or refused, and its reserve released, once, whichever process does it.
"""
