"""The refusals and failures that the runtime itself can answer with.

Those of the edge are refusals (`DomainError`) like any rule's. `UnavailableError` is none: it says nothing about the
request, so it is never stored, never a result of a batch item, and callers and consumers may try again::

    DomainError
      RequestMalformed       the bytes are not the message that the method takes
      CardNumberRefused      a field holds a card number
      DeadlineExceeded       the caller's time is over
      CallsExhausted         too many calls at once
      ReplyTooLarge          the answer is larger than a reply may be
      DependencyUnavailable  how an UnavailableError looks to a caller
      RowLocked              an item of a batch needs what is held by something else
    UnavailableError         PostgreSQL, Kafka, the registry or a channel cannot be reached
    CommitUnknownError       the connection broke during COMMIT
    RebuildFailedError       projections cannot be rebuilt from their events
    DefectError              paystream itself is wrong
"""

from paykit.errors import DomainError, InvariantError, Kind


class RequestMalformed(DomainError):
    """The bytes are not the message that the method takes."""

    kind = Kind.INVALID_ARGUMENT
    reason = "REQUEST_MALFORMED"


class CardNumberRefused(DomainError):
    """A field holds what looks like a card number, which paystream never stores."""

    kind = Kind.INVALID_ARGUMENT
    reason = "CARD_NUMBER_REFUSED"


class DeadlineExceeded(DomainError):
    """The time that the caller gave is over; whether the work was done is unknown to the caller."""

    kind = Kind.DEADLINE_EXCEEDED
    reason = "DEADLINE_EXCEEDED"


class CallsExhausted(DomainError):
    """The process already works on as many calls as it may."""

    kind = Kind.RESOURCE_EXHAUSTED
    reason = "CALLS_EXHAUSTED"
    retry_after_s = 1


class ReplyTooLarge(DomainError):
    """The answer is larger than a reply may be; what the call was to do is done, if it was to do something."""

    kind = Kind.FAILED_PRECONDITION
    reason = "REPLY_TOO_LARGE"


class DependencyUnavailable(DomainError):
    """A part that paystream stands on cannot be reached; nothing is wrong with the request."""

    kind = Kind.UNAVAILABLE
    reason = "DEPENDENCY_UNAVAILABLE"
    retry_after_s = 1


class RowLocked(DomainError):
    """What an item of a batch changes is held by something else; nothing of it was done, and it may be repeated."""

    kind = Kind.UNAVAILABLE
    reason = "ROW_LOCKED"
    retry_after_s = 1


class UnavailableError(Exception):
    """A part that paystream stands on cannot be reached now; wraps the library's own error (`raise ... from`).

    Attributes:
        part: `postgresql`, `kafka`, `registry` or `channel`; callers see it.
    """

    def __init__(self, message: str, *, part: str = "postgresql") -> None:
        super().__init__(message)
        self.part = part


class CommitUnknownError(UnavailableError):
    """The connection broke during COMMIT: the work was done wholly or not at all, and only a look can tell."""


class RebuildFailedError(Exception):
    """The projections of a service cannot be rebuilt now, or not from what there is; the live ones are untouched."""


class DefectError(InvariantError):
    """A rule of the runtime was broken by the code that runs in it."""
