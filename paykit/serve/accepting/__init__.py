"""How calls come from gRPC: many at a time, and what is too much refused unread."""
