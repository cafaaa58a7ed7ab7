"""Calls to whoever moves money: an attempt, and the evidence about it. Pure.

An attempt is PENDING until a job claims it, STARTED from before its call until the result is written, and called at
most once. Whatever interrupts it in between leaves it STARTED or UNKNOWN, and then it is only inquired about.
What evidence proves is in `judging`.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from paykit.cause import Cause
from paykit.channels.actions.next_action import NextAction
from paykit.errors import DomainError, Kind

INQUIRY_PAUSE_FIRST_S = 1.0
INQUIRY_PAUSE_MAX_S = 300.0
"""Inquiries about one attempt come at least this often, and for as long as it takes."""
OUTCOME_WITHIN_S = 900.0
"""An attempt without an outcome for longer than this is overdue: somebody is told, while inquiries go on."""
SEND_WITHIN_S = 2.0
"""An attempt claimed longer ago than this is not sent before its lease is seen to hold: it may be another's by then."""


class AttemptState(StrEnum):
    """How far the call has come; ACTION_REQUIRED: it has no outcome, as its channel waits for the payer."""

    PENDING = "PENDING"
    STARTED = "STARTED"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"
    ACTION_REQUIRED = "ACTION_REQUIRED"


class EvidenceOutcome(StrEnum):
    """What a piece of evidence says.

    PENDING: the channel has it and has not decided. ACTION_REQUIRED: nor will it before the payer has acted. NO_ANSWER:
    the call ended without an answer. NOT_FOUND: the channel has not got it, and may still get it unless the evidence is
    final. RETURNED: it was carried out, and undone later, as payouts can be; about the attempt itself that says the
    same as SUCCEEDED.
    """

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    PENDING = "PENDING"
    NO_ANSWER = "NO_ANSWER"
    NOT_FOUND = "NOT_FOUND"
    RETURNED = "RETURNED"
    ACTION_REQUIRED = "ACTION_REQUIRED"


class Source(StrEnum):
    """How evidence became known: the answer to the call, an inquiry afterwards, or told by the channel.

    STATEMENT_LINE: a line of the channel's statement, which a person took as evidence.
    WITHHELD: the service itself did not send what it had taken off the queue.
    RECORD: what was recorded before the first contradiction, kept beside what contradicts it.
    """

    RESPONSE = "RESPONSE"
    INQUIRY = "INQUIRY"
    CALLBACK = "CALLBACK"
    STATEMENT_LINE = "STATEMENT_LINE"
    WITHHELD = "WITHHELD"
    RECORD = "RECORD"


class Verdict(StrEnum):
    """What evidence changes: WAIT only asks again later, CONFIRM changes nothing.

    REQUIRE_ACTION: the channel waits for the payer; whether that is news, the service knows.
    """

    SUCCEED = "SUCCEED"
    FAIL = "FAIL"
    LOSE_ANSWER = "LOSE_ANSWER"
    WAIT = "WAIT"
    CONFIRM = "CONFIRM"
    CONTRADICT = "CONTRADICT"
    REQUIRE_ACTION = "REQUIRE_ACTION"


class AttemptNotFound(DomainError):
    """No attempt has this id."""

    kind = Kind.NOT_FOUND
    reason = "ATTEMPT_NOT_FOUND"


class ChannelAmountMismatch(DomainError):
    """The channel reports another currency than it was asked for, or than its dispute is in; metadata says which."""

    kind = Kind.FAILED_PRECONDITION
    reason = "CHANNEL_AMOUNT_MISMATCH"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One call to a channel; services add what it is for.

    Attributes:
        action: What is asked of the channel, in the service's words.
        failure_reason: In the service's words; set exactly while FAILED.
        failure_code: As the channel says.
        approved_minor: What the channel carried out, where it said another amount than was asked for.
        age_s: Seconds since it was claimed to be sent, when it was last claimed by a job.
        lease_end: Until when the claim keeps other jobs away; None of one that was not read.
        contradicted: Whether evidence says the opposite of the state.
        traceparent: The trace of the call that asked for it; kept until it has its outcome.
    """

    attempt_id: str
    action: str
    channel: str
    amount_minor: int
    currency_code: str
    create_time: datetime
    update_time: datetime
    state: AttemptState = AttemptState.PENDING
    channel_reference: str | None = None
    failure_reason: str | None = None
    failure_code: str | None = None
    approved_minor: int | None = None
    inquiry_count: int = 0
    contradicted: bool = False
    traceparent: str | None = None
    age_s: float = 0.0
    lease_end: datetime | None = None

    @property
    def carried_out_minor(self) -> int:
        """What the channel carried out, if it did: as it says, else what was asked for."""
        return self.amount_minor if self.approved_minor is None else self.approved_minor

    @property
    def amount_counts(self) -> bool:
        """Whether the amount that its channel tells is evidence; of what moves no money it is not."""
        return True

    @property
    def takes_action(self) -> bool:
        """Whether it can wait for a payer; of one that cannot, ACTION_REQUIRED says the same as PENDING."""
        return False

    @property
    def told_action(self) -> str | None:
        """The digest of what its channel last said that the payer has to do; None while it said nothing."""
        return None


A = TypeVar("A", bound=Attempt)
A_co = TypeVar("A_co", bound=Attempt, covariant=True)


class Lookup(Protocol[A_co]):
    """Attempts by id, as locked rows are."""

    def get(self, attempt_id: str, /) -> A_co | None:
        """Return an attempt, or None."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed(Generic[A]):
    """An attempt taken for sending or inquiring; services add what a channel needs to know beside it."""

    attempt: A
    merchant_id: str
    correlation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What became known of an attempt.

    Attributes:
        failure_code: As the channel says; None unless FAILED or RETURNED.
        final: With NOT_FOUND: whether the channel cannot get the attempt any more; see `not_found_is_final`.
        amount_minor: As the channel says, with currency_code; None where it says nothing. Of RETURNED, what came back.
        action: With ACTION_REQUIRED: what the payer has to do; None where the channel does not repeat it.
    """

    attempt_id: str
    source: Source
    outcome: EvidenceOutcome
    channel_reference: str | None = None
    failure_code: str | None = None
    final: bool = False
    amount_minor: int | None = None
    currency_code: str | None = None
    action: NextAction | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordEvidence:
    """A piece of evidence to apply."""

    evidence: Evidence
    cause: Cause


def not_found(attempt_id: str) -> AttemptNotFound:
    """Return the refusal of what is told of an attempt that does not exist."""
    return AttemptNotFound("No attempt has this id.", field="attempt_id", attempt_id=attempt_id)


ENDED = frozenset({AttemptState.SUCCEEDED, AttemptState.FAILED})
"""The states of an attempt that has an outcome; channels may still say otherwise."""
DECIDING = frozenset({EvidenceOutcome.SUCCEEDED, EvidenceOutcome.FAILED, EvidenceOutcome.RETURNED})
"""What channels say when they say what became of an attempt."""


def worth_keeping(evidence: Evidence, verdict: Verdict) -> bool:
    """Return whether evidence is kept for itself: not plain answers to calls nor inquiries in vain."""
    plain = evidence.source is Source.RESPONSE and verdict is not Verdict.CONTRADICT
    return (evidence.outcome in DECIDING or verdict is Verdict.FAIL) and not plain


def not_found_is_final(*, age_s: float, finality_s: float) -> bool:
    """Return whether NOT_FOUND proves that an attempt will never be carried out.

    Args:
        age_s: Seconds from the claim of the attempt to the inquiry; it may be sent SEND_WITHIN_S after its claim.
        finality_s: What the channel declares, in seconds after an attempt was sent.
    """
    return age_s >= finality_s + SEND_WITHIN_S


def inquiry_pause_s(inquiry_count: int) -> float:
    """Return the seconds until the next inquiry: 1, 2, 4 ... up to 300."""
    # The exponent is bounded before the power, as a count can grow for months.
    return min(INQUIRY_PAUSE_FIRST_S * 2.0 ** min(inquiry_count, 10), INQUIRY_PAUSE_MAX_S)
