"""Reconciliation: what channels say in their statements, held against what is recorded; people end the differences.

| what | where |
|---|---|
| a discrepancy | `domain/discrepancy.py`, SQL in `store/discrepancy.py`, read by `rpc/discrepancy.py` |
| how one can end, and what a correction of it books | `domain/resolution.py`, fed by `store/difference.py` |
| its end, and the events that tell of it | `domain/ending.py` |
| corrections that another person decides | `domain/correction.py`, SQL in `store/correction.py` |
| words of channels about calls that nobody made | `evidence.py` in `domain`, `store` and `commands` |
| what the ledger booked of movements, and what not | `ledger.py` in `domain`, `store` and `commands` |
| contradictions of the money line, listed here and decided there | `contradiction.py` in `domain` and `commands` |
| what people ask for | `commands/resolving.py`, called by `rpc/resolving.py` |
| what the ledger answers | `commands/booking.py`, called by `handlers.py` |
| statements and their lines | `domain/statement.py`, SQL in `store/statement.py` |
| files of them: bytes to lines, and refusals with their place | `domain/formats`, `domain/statement_file.py` |
| importing files | `commands/importing.py`, SQL in `store/statement_file.py`, called by `rpc/statement.py` |
| movements of money, as payment and withdrawal tell them | `domain/movement.py`, SQL in `store/movement.py` |
| rules by which both belong together | `rule_set.py` in `domain`, `store`, `rpc` and `messages` |
| matching | `commands/matching.py`, SQL in `store/matching.py`; by day alone `domain/pairing.py` |
| the rules of a channel, tried in their order | `commands/looking.py` |
| parts and sums: lines looked at again | `regrouping.py` in `commands` and `store`, SQL in `store/waiting.py` |
| differences: found, ended by what follows | `commands/differing.py` |
| taking in lines and movements | `commands/collecting.py`, called by `handlers.py` |
| closing statements of which all is known | `commands/statements.py`, called by `jobs.py` |
| the rules of channels that have none of their own | `rules/default.toml`, read by `store/rule_set.py` |
| reports by channel and day | `domain/report.py`, `commands/reporting.py`, SQL in `store/report.py` |
| `paystream recon verify`: each line and each movement has one outcome | SQL in `store/verification.py` |
| what has not cleared, and who holds it | `domain/uncleared.py`, SQL in `store/uncleared.py`, metrics in `jobs.py` |

Records: `discrepancy`, `correction`, `rule_set`, `statement_file`, `statement`, `statement_line`, `open_line` and
`line_outcome`,
`open_movement` and `movement_outcome`, `open_booking`, `open_evidence`; `debt_balance` and `open_debt`, which
triggers of `uncleared` keep. Projections: `uncleared` and `cleared_line` (of accounting.events and channel.events),
`ledger_account_kind` (of accounting.events), `internal_transaction`,
`unmoved_attempt` and `unattributed_evidence` (of payment.events and withdrawal.events), `movement_booking` (of
these and accounting.events).

RPCs of ReconciliationOperationsService: ImportStatement GetStatement ListStatements ListStatementLines GetDiscrepancy
ListDiscrepancies ResolveDiscrepancy ApproveCorrection RejectCorrection ListCorrections ListUncleared CreateRuleSet
GetRuleSet ListRuleSets ActivateRuleSet TryRuleSet ExportReport.

Topics: in accounting.events, channel.events, payment.events and withdrawal.events; out reconciliation.events.

Invariants: a line is kept once, by its channel and the channel's identity of it; a file is imported whole or not at
all, and once; neither lines nor movements change;
each of them is open or has exactly one outcome, what is called missing both, so that what comes later finds it; one
transaction at a time matches a channel. A discrepancy ends once; a contradiction of the money line is decided where it
is, never here; what moves money is booked or explained by two people; of a discrepancy one correction waits at a time,
and it is over when the ledger has booked it; what is uncleared adds up to the ledger's balances.
"""
