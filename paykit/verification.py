"""What a service finds when it recomputes all that it claims. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

Progress = Callable[[str, int], None]
"""Called after each check with its name and the number of rows it looked at."""


class DifferenceError(Exception):
    """A service's rows are not what they should be.

    Attributes:
        check: Which claim does not hold.
        subject: What it is about, as a transaction, a line, or a merchant and a currency.
        detail: What was found.
    """

    def __init__(self, check: str, subject: str, detail: str) -> None:
        super().__init__(f"{check}: {subject}: {detail}")
        self.check = check
        self.subject = subject
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that is right, and asks for a person."""

    what: str
    subject: str
    detail: str
