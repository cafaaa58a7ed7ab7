"""Calls that wait for the outcome of what they asked for: woken by commits, looked for together."""
