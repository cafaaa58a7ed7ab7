"""The errors of paystream's domains.

A refusal is a value of a `DomainError` subclass: commands return it in the place of a result, servicers raise it,
and one table in `paykit.serve.status` maps its kind to a gRPC code::

    DomainError                  a business rule said no; the caller can do something about it
      FieldInvalid               a field breaks a rule
      CurrencyUnknown            not an ISO 4217 code
      CurrencyClosed             takes no new business
      CurrencyMismatch           two amounts, or an amount and a resource, are in different currencies
      IllegalTransition          the state does not allow the action
      ...                        the others live in the domain that raises them
    InvariantError               paystream itself is wrong; never shown to a caller
"""

from enum import StrEnum
from typing import ClassVar


class Kind(StrEnum):
    """What a caller can do about a refusal; named after the gRPC codes they become."""

    INVALID_ARGUMENT = "INVALID_ARGUMENT"
    NOT_FOUND = "NOT_FOUND"
    ALREADY_EXISTS = "ALREADY_EXISTS"
    FAILED_PRECONDITION = "FAILED_PRECONDITION"
    PERMISSION_DENIED = "PERMISSION_DENIED"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    RESOURCE_EXHAUSTED = "RESOURCE_EXHAUSTED"
    ABORTED = "ABORTED"
    UNAVAILABLE = "UNAVAILABLE"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    INTERNAL = "INTERNAL"


class DomainError(Exception):
    """A refusal by a rule of the domain.

    Attributes:
        kind: Decides the gRPC code.
        reason: UPPER_SNAKE, stable, listed in docs/errors.md; becomes `ErrorInfo.reason`.
        message: One sentence for a person.
        field: Path of the request field at fault, as in `amount.currency_code`; becomes a `BadRequest` violation.
        metadata: Facts for a program; becomes `ErrorInfo.metadata`.
        retry_after_s: After how many seconds the same request may well be answered otherwise by time alone; becomes
            `RetryInfo`. None where somebody has to change something.
    """

    kind: ClassVar[Kind]
    reason: ClassVar[str]
    retry_after_s: int | None = None

    def __init__(self, message: str, *, field: str | None = None, **metadata: str) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.metadata = metadata

    def __eq__(self, other: object) -> bool:
        """Compare by meaning, so that a refusal met in a batch equals the same one met alone."""
        if not isinstance(other, DomainError):
            return NotImplemented
        mine = (type(self), self.message, self.field, self.metadata)
        return mine == (type(other), other.message, other.field, other.metadata)

    def __hash__(self) -> int:
        return hash((type(self), self.message))


class FieldInvalid(DomainError):
    """A field breaks a rule that the message itself can show."""

    kind = Kind.INVALID_ARGUMENT
    reason = "FIELD_INVALID"


class CurrencyUnknown(DomainError):
    """The code is not an ISO 4217 currency."""

    kind = Kind.INVALID_ARGUMENT
    reason = "CURRENCY_UNKNOWN"


class CurrencyClosed(DomainError):
    """The currency takes no new business: what already is in it goes on."""

    kind = Kind.FAILED_PRECONDITION
    reason = "CURRENCY_CLOSED"


class CurrencyMismatch(DomainError):
    """The amount is in another currency than what it is for."""

    kind = Kind.INVALID_ARGUMENT
    reason = "CURRENCY_MISMATCH"


class PageTokenInvalid(DomainError):
    """The page token was not made by this list, or was made with other filters."""

    kind = Kind.INVALID_ARGUMENT
    reason = "PAGE_TOKEN_INVALID"


class EtagMismatch(DomainError):
    """The resource changed since the caller read it."""

    kind = Kind.ABORTED
    reason = "ETAG_MISMATCH"


class IllegalTransition(DomainError):
    """The action is not possible in the present state; metadata says both."""

    kind = Kind.FAILED_PRECONDITION
    reason = "ILLEGAL_TRANSITION"


class RequestIdReused(DomainError):
    """The request id was used before with another request."""

    kind = Kind.ALREADY_EXISTS
    reason = "REQUEST_ID_REUSED"


class ItemFailed(DomainError):
    """One item of a batch met an unexpected error; the others were carried out. Nothing of this item was."""

    kind = Kind.INTERNAL
    reason = "INTERNAL"


class InvariantError(Exception):
    """Something that cannot be, is: a defect of paystream, with a database constraint behind it."""
