"""What waits for people: outcomes that are overdue, and contradictions."""
