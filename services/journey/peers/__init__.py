"""What is asked of the other services: in time, a bounded number of rows, and nobody in vain twice."""

from services.journey.peers import calls, reads

__all__ = ["calls", "reads"]
