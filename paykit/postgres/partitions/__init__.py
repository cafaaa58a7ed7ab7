"""Tables in partitions by time, which are made ahead and dropped when old, so that nothing is deleted row by row.

`time_partitions`: what a table declares, and how its partitions are kept; `partition_schema`: the functions that change
them, for the service's role cannot; `idempotency_schema`: the claims of calls, which are such a table;
`dead_letter_schema`: dead letters that were decided on, which are another.
"""
