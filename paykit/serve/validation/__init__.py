"""What a message alone can show to be wrong: rules in its proto, what no row can hold, and card numbers."""
