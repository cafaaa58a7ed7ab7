"""Group commit: the concurrent calls of an operation share transactions, and none of them holds up another."""
