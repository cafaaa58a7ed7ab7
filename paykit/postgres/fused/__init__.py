"""Writes that a transaction leaves for its end, where they become one statement with all else that it writes then."""
