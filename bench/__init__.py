"""How fast paystream is on this machine: `python -m bench`, explained in docs/performance.md.

| module | holds |
|---|---|
| figures | medians, percentiles, ratios, aims: pure |
| report | the table and the JSON of a run |
| ground | the stack, and a fresh database with topics of its own for each measurement |
| children | the processes under load, and the load client, started and stopped |
| captures | the PaymentSuccess events that are booked |
| raw | rows (a) and (a+): hand-written posting, without paystream |
| pipeline | row (b): Kafka to ledger to Kafka |
| calls, load, echo | row (c): the measurement, the load client, the bare server it is compared with |
| journals | row (c) of the ledger: manual journals in batches |
| settling, reconciling, counting, line | rows (e), (i), (h) and (f): the other services, one at a time |
| journey | row (d): from CreatePayment to TransactionCreated |
| booked, moving, tracing, sustained, footprint | rows (l), (k), (j), (m) and (n) |
| consuming, where, list_indexes, narrowest | commands of their own: where the time goes, and where the bytes lie |
| plan | which rows there are, and how large |
"""
