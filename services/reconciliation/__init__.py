"""Reconciliation: holds what channels and banks say in their statements against what is recorded.

| what | where |
|---|---|
| statements and their lines | `domain/statement.py`, SQL in `store/statement.py` |
| movements of money, as payment and withdrawal tell them | `domain/movement.py`, SQL in `store/movement.py` |
| rules by which both belong together | `domain/rule_set.py`, SQL in `store/rule_set.py` |
| matching | `commands/matching.py`, SQL in `store/matching.py`; by day alone `domain/pairing.py` |
| differences: found, ended by what follows | `domain/discrepancy.py`, `commands/differing.py` |
| and their SQL | `store/discrepancy.py` |
| taking in lines, movements and contradictions | `commands/collecting.py`, called by `handlers.py` |
| closing statements of which all is known | `commands/statements.py`, called by `jobs.py` |
| each line and each movement has one outcome | SQL in `store/verification.py` |

Records: `statement`, `statement_line`, `open_line` and `line_outcome`, `open_movement` and `movement_outcome`,
`discrepancy`, `rule_set`. Projections: `internal_transaction` and `unmoved_attempt` (of payment.events and
withdrawal.events).

RPCs: GetDiscrepancy ListDiscrepancies CreateRuleSet GetRuleSet ListRuleSets ActivateRuleSet TryRuleSet.

Topics: in channel.events, payment.events, withdrawal.events; out reconciliation.events, keyed by discrepancy_id:
DiscrepancyDetected DiscrepancyResolved; by statement_id: StatementReconciled.

Invariants:

- A line is kept once, by its channel and the channel's identity of it, and never changes; neither does a movement.
- Each line and each movement is either open or has exactly one outcome; what is called missing has both, so that what
  comes later finds it.
- A movement belongs to at most one line, or to lines that are its parts; one transaction at a time matches a channel.
"""
