"""What channels say later, money that came late, and contradictions."""
