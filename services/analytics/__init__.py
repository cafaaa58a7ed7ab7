"""Analytics: how much was paid, refunded, settled and paid out.

| part | where |
|---|---|
| what each event counts as | `domain/counting.py` |
| what is read of captures, which come most | `domain/excerpt.py` |
| figures | `domain/figure.py`, SQL in `store/figure.py` |
| adding events to figures | `commands/counting.py`, called by `handlers.py` |
| ranges, grains and time zones | `domain/periods.py` |
| questions | `domain/question.py`, SQL in `store/query.py`, `rpc/analytics.py` |
| what is answered: rates, averages | `domain/summary.py` |
| figures as they change | `rpc/live.py`, SQL in `store/change.py` |

Records: `figure_change`, which figures changed in the last minutes. Projections: `merchant` (of merchant.events),
`payment_origin` (of payment.events), `figure` (of payment.events, settlement.events and withdrawal.events).

RPCs of AnalyticsService: GetMerchantStats.
RPCs of AnalyticsOperationsService: GetOverview QueryMetrics StreamMetrics.
Topics in: merchant.events, payment.events,
settlement.events, withdrawal.events. Topics out: none.

Invariants: an event counts once, in the quarter of an hour in which it occurred; totals are the ledger's; amounts of
two currencies are never added; no figure is ever moved, for the days of any time zone are sums of quarters.
"""
