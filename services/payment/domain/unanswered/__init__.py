"""Payments whose first call has no outcome yet, and what they wait for of their payers."""
