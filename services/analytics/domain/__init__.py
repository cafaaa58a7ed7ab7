"""What is counted, as which figures, and what is asked of them. Pure."""

from services.analytics.domain import counting, figure, periods, question, summary

__all__ = ["counting", "figure", "periods", "question", "summary"]
