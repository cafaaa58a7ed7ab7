"""What channels say of disputes, what follows, and what merchants answer. Pure."""
