"""What a consuming service keeps in its own schema: every SQL statement of the consuming side, and no decisions."""
