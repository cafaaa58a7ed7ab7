"""Settlement: closes what the ledger owes merchants into settlements, by each merchant's policy.

| what | where |
|---|---|
| a policy: cut-offs in the merchant's zone, delay, thresholds | `domain/policy.py`, SQL in `store/merchant.py` |
| an item: what a transaction of the ledger is to a merchant | `domain/item.py`, SQL in `store/item.py` |
| narrow where its ids are of the usual forms | `domain/item_form.py`, its row in `store/narrow_item.py` |
| the same cut out of events that are alike, for nearly all | `domain/quick_item.py` |
| a settlement: its states | `domain/lifecycle.py` |
| a settlement: changes, events | `domain/settlement.py`, SQL in `store/settlement.py` |
| its reserve: released, consumed, held longer | `domain/reserve.py` |
| balances of merchants: followed, negative | `domain/balance.py`, SQL in `store/balance.py` |
| what the ledger is asked to move, and answers | `domain/fund_transfer.py`, SQL in `store/fund_transfer.py` |
| sums of items, by what they are | `domain/sums.py` |
| what is to be done with all that is pending of a merchant | `domain/closing.py` |
| collecting what the ledger booked | `commands/collecting.py`, called by `handlers.py` |
| closing by policy, or on request | `commands/closing.py`, called by `jobs.py` and `rpc` |
| settlements booked or refused by the ledger | `commands/booking.py`, called by `handlers.py` |
| what the ledger does to balances | `commands/following.py`, called by `handlers.py` |
| recovering balances, moving reserves | `commands/transferring.py`, called by `jobs.py`, `handlers.py` and `rpc` |
| reading settlements and items | `rpc`; reports as CSV and JSON in `domain/report.py` |
| `paystream settlement verify`: everything recomputed | `domain/verification.py`, SQL in `store/verification.py` |
| and what asks for a person | SQL in `store/notice.py` |

Records: `settlement`, `item`, `narrow_item`, `fund_transfer`, `balance_watch`. Projections: `merchant` (of
merchant.events), `balance_change` and its sums `merchant_balance` (of accounting.events).

RPCs of SettlementService: GetSettlement ListSettlements ListSettlementItems GetPendingBalance ExportSettlement.
RPCs of SettlementOperationsService: CreateSettlement ExtendReserve ListNegativeBalances ListSettlementsByState.

Topics: in accounting.events (TransactionCreated, TransactionRejected), merchant.events; out settlement.events, keyed by
settlement_id: SettlementCreated SettlementCompleted SettlementFailed ReserveReleased ReserveConsumed ReserveExtended;
by recovery_id: BalanceRecovered; by merchant and currency: MerchantBalanceNegative.

States: PENDING -> CREATED -> COMPLETED | FAILED; PENDING -> CARRIED.

Invariants, each with a constraint behind it or proved by `paystream settlement verify`:

- Every effect of a transaction on a merchant's settlement account is one item, written once and never changed. It keeps
  the settlement that it came into; `holder_id` of that settlement names the one that it counts in, which changes in one
  row when a settlement is carried forward or refused.
- The sums of a settlement are those of the items it holds. Once it is closed neither changes.
- PENDING and CREATED settlements together are the balance of the merchant's settlement account in the ledger.
- At most one settlement collects for each merchant, currency and cut-off, beside those that are full; it changes under
  the lock of its row.
- A settlement is closed, completed or refused once, whichever process does it.
- The ledger is asked to make up for a balance by one transfer at a time, and to move a reserve by one at a time; what
  it released and consumed of a reserve is never more than was held.
"""
