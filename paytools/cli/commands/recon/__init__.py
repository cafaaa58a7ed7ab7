"""`paystream recon`: what differs between statements and records, and what has not cleared."""
