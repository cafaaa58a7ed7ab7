"""What the outside world said against what is recorded, listed until it is over: for every service that calls channels.

| what | where |
|---|---|
| a contradiction: its states, who decides, what may be decided | `contradiction` |
| the table `contradiction` | `contradiction_schema`, its SQL in `contradiction_table` |
| on the wire | `contradiction_messages`, of `paystream/common/v1/contradiction.proto` |
| proposals and decisions, folded over locked rows | `deciding` |
| the page that a list answers with | `listing` |
| the metrics | `open_contradictions` |

A service writes a contradiction in the transaction that applies the evidence, under the lock of the aggregate that it
is about, and tells of it and of its end by events of its own. One that needs a decision holds that merchant and
currency's payouts up until it is over.
"""
