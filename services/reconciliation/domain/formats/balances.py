"""The balances of a statement, held against what stands between them."""

from dataclasses import dataclass

from services.reconciliation.domain.formats.refusals import StatementBalanceMismatch


@dataclass(slots=True)
class RunningBalance:
    """What an account should have come to.

    Attributes:
        opening_minor: Before the first entry, in minor units; None when the file tells none.
        moved_minor: Sum of the entries, what came in less what went out.
    """

    opening_minor: int | None = None
    moved_minor: int = 0

    def require(self, closing_minor: int | None, *, line: int, statement: str) -> None:
        """Accept the closing balance; without both balances there is nothing to hold it against.

        Raises:
            StatementBalanceMismatch: The entries do not lead to it.
        """
        if self.opening_minor is None or closing_minor is None:
            return
        if (reached := self.opening_minor + self.moved_minor) != closing_minor:
            message = (
                f"Statement {statement!r}: its entries lead to {reached}, and its closing balance is {closing_minor}."
            )
            raise StatementBalanceMismatch(
                message,
                field="file",
                line=str(line),
                opening_minor=str(self.opening_minor),
                moved_minor=str(self.moved_minor),
                closing_minor=str(closing_minor),
            )
