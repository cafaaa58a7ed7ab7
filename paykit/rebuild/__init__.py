"""Projections rebuilt from their events beside the live ones, and compared: `rebuilding`, `rereading`, `shadow`."""
