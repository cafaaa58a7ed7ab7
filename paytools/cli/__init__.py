"""The `paystream` command."""
