"""What becomes of payments when a channel says something else later. Pure; docs/contradictions.md has the rules."""
