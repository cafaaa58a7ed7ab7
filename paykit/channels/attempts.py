"""Calls to whoever moves money: an attempt, the evidence about it, and what evidence proves. Pure.

An attempt is PENDING until a job claims it, STARTED from before its call until the result is written, and called at
most once. Whatever interrupts it in between leaves it STARTED or UNKNOWN, and then it is only inquired about.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Generic, Protocol, TypeVar

from paykit.cause import Cause
from paykit.clock import no_earlier
from paykit.errors import DomainError, IllegalTransition, Kind

INQUIRY_PAUSE_FIRST_S = 1.0
INQUIRY_PAUSE_MAX_S = 300.0
"""Inquiries about one attempt come at least this often, and for as long as it takes."""
OUTCOME_WITHIN_S = 900.0
"""An attempt without an outcome for longer than this is overdue: somebody is told, while inquiries go on."""
SEND_WITHIN_S = 2.0
"""An attempt claimed longer ago than this is not sent any more: by then its lease may be another's."""


class AttemptState(StrEnum):
    """How far the call has come."""

    PENDING = "PENDING"
    STARTED = "STARTED"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"


class EvidenceOutcome(StrEnum):
    """What a piece of evidence says.

    PENDING: the channel has it and has not decided. NO_ANSWER: the call ended without an answer. NOT_FOUND: the channel
    has not got it, and may still get it unless the evidence is final. RETURNED: it was carried out, and undone later,
    as payouts can be; about the attempt itself that says the same as SUCCEEDED.
    """

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    PENDING = "PENDING"
    NO_ANSWER = "NO_ANSWER"
    NOT_FOUND = "NOT_FOUND"
    RETURNED = "RETURNED"


class Source(StrEnum):
    """How evidence became known: the answer to the call, an inquiry afterwards, or told by the channel.

    WITHHELD: the service itself did not send what it had taken off the queue.
    """

    RESPONSE = "RESPONSE"
    INQUIRY = "INQUIRY"
    CALLBACK = "CALLBACK"
    WITHHELD = "WITHHELD"


class Verdict(StrEnum):
    """What evidence changes: WAIT only asks again later, CONFIRM changes nothing."""

    SUCCEED = "SUCCEED"
    FAIL = "FAIL"
    LOSE_ANSWER = "LOSE_ANSWER"
    WAIT = "WAIT"
    CONFIRM = "CONFIRM"
    CONTRADICT = "CONTRADICT"


_V = Verdict
_OPEN = {EvidenceOutcome.SUCCEEDED: _V.SUCCEED, EvidenceOutcome.RETURNED: _V.SUCCEED, EvidenceOutcome.FAILED: _V.FAIL}

VERDICTS: Mapping[tuple[AttemptState, EvidenceOutcome], Verdict] = MappingProxyType(
    {
        **{(AttemptState.STARTED, outcome): _OPEN.get(outcome, _V.LOSE_ANSWER) for outcome in EvidenceOutcome},
        **{(AttemptState.UNKNOWN, outcome): _OPEN.get(outcome, _V.WAIT) for outcome in EvidenceOutcome},
        **{(AttemptState.SUCCEEDED, outcome): _V.CONFIRM for outcome in EvidenceOutcome},
        (AttemptState.SUCCEEDED, EvidenceOutcome.FAILED): _V.CONTRADICT,
        **{(AttemptState.FAILED, outcome): _V.CONFIRM for outcome in EvidenceOutcome},
        (AttemptState.FAILED, EvidenceOutcome.SUCCEEDED): _V.CONTRADICT,
        (AttemptState.FAILED, EvidenceOutcome.RETURNED): _V.CONTRADICT,
    }
)
"""What evidence changes in each state; nothing can be known of an attempt that is PENDING."""


class AttemptNotFound(DomainError):
    """No attempt has this id."""

    kind = Kind.NOT_FOUND
    reason = "ATTEMPT_NOT_FOUND"


class ChannelAmountMismatch(DomainError):
    """The channel reports another amount than it was asked for; metadata says which was asked."""

    kind = Kind.FAILED_PRECONDITION
    reason = "CHANNEL_AMOUNT_MISMATCH"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One call to a channel; services add what it is for.

    Attributes:
        action: What is asked of the channel, in the service's words.
        failure_reason: In the service's words; set exactly while FAILED.
        failure_code: As the channel says.
        age_s: Seconds since it was claimed to be sent, when it was last claimed by a job.
        contradicted: Whether evidence says the opposite of the state.
        traceparent: The trace of the call that asked for it.
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
    inquiry_count: int = 0
    contradicted: bool = False
    traceparent: str | None = None
    age_s: float = 0.0


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
        amount_minor: As the channel says, with currency_code; None where it says nothing.
    """

    attempt_id: str
    source: Source
    outcome: EvidenceOutcome
    channel_reference: str | None = None
    failure_code: str | None = None
    final: bool = False
    amount_minor: int | None = None
    currency_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordEvidence:
    """A piece of evidence to apply."""

    evidence: Evidence
    cause: Cause


def not_found(attempt_id: str) -> AttemptNotFound:
    """Return the refusal of what is told of an attempt that does not exist."""
    return AttemptNotFound("No attempt has this id.", field="attempt_id", attempt_id=attempt_id)


def judge(attempt: Attempt, evidence: Evidence) -> Verdict:
    """Say what evidence changes about an attempt.

    Raises:
        ChannelAmountMismatch: The evidence speaks of another amount.
        IllegalTransition: The attempt was never sent, so the evidence cannot be about it.
    """
    _require_same_amount(attempt, evidence)
    verdict = VERDICTS.get((attempt.state, evidence.outcome))
    if verdict is None:
        raise IllegalTransition(
            f"An attempt that is {attempt.state} has no outcome yet.", state=attempt.state, action="REPORT"
        )
    if evidence.outcome is EvidenceOutcome.NOT_FOUND and verdict is not Verdict.CONFIRM and evidence.final:
        return Verdict.FAIL
    if (
        verdict is Verdict.CONFIRM
        and evidence.outcome is EvidenceOutcome.SUCCEEDED
        and _other_reference(attempt, evidence)
    ):
        return Verdict.CONTRADICT  # The channel carried out one attempt twice.
    return verdict


def weigh(attempts: Lookup[A], evidence: Evidence) -> tuple[A, Verdict]:
    """Find the attempt, among the locked ones, that evidence is about, and judge the evidence.

    Raises:
        AttemptNotFound: It is about none of them.
        ChannelAmountMismatch, IllegalTransition: As `judge` does.
    """
    attempt = attempts.get(evidence.attempt_id)
    if attempt is None:
        raise not_found(evidence.attempt_id)
    return attempt, judge(attempt, evidence)


def decide(attempt: A, evidence: Evidence, verdict: Verdict, *, failure_reason: str | None, now: datetime) -> A:
    """Return the attempt as a verdict leaves it; evidence that contradicts changes only the mark that says so.

    `failure_reason` is what a failure means in the service's words; it is looked at only if the verdict is FAIL.
    """
    if verdict is Verdict.CONFIRM:
        return attempt
    if verdict is Verdict.CONTRADICT:
        return replace(attempt, contradicted=True, update_time=no_earlier(now, attempt.update_time))
    failed = verdict is Verdict.FAIL
    return replace(
        attempt,
        state=_STATE_AFTER[verdict],
        channel_reference=evidence.channel_reference or attempt.channel_reference,
        failure_reason=failure_reason if failed else None,
        failure_code=evidence.failure_code if failed else None,
        inquiry_count=attempt.inquiry_count + (evidence.source is Source.INQUIRY),
        update_time=no_earlier(now, attempt.update_time),
    )


def changes_nothing(attempt: Attempt, verdict: Verdict) -> bool:
    """Return whether a verdict leaves an attempt, and all that hangs on it, as it is."""
    return verdict is Verdict.CONFIRM or (verdict is Verdict.CONTRADICT and attempt.contradicted)


def worth_keeping(evidence: Evidence, verdict: Verdict) -> bool:
    """Return whether evidence is kept for itself: not plain answers to calls nor inquiries in vain."""
    plain = evidence.source is Source.RESPONSE and verdict is not Verdict.CONTRADICT
    decides = (
        evidence.outcome in {EvidenceOutcome.SUCCEEDED, EvidenceOutcome.FAILED, EvidenceOutcome.RETURNED}
        or verdict is Verdict.FAIL
    )
    return decides and not plain


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


_STATE_AFTER = {
    Verdict.SUCCEED: AttemptState.SUCCEEDED,
    Verdict.FAIL: AttemptState.FAILED,
    Verdict.LOSE_ANSWER: AttemptState.UNKNOWN,
    Verdict.WAIT: AttemptState.UNKNOWN,
}


def _other_reference(attempt: Attempt, evidence: Evidence) -> bool:
    return evidence.channel_reference is not None and evidence.channel_reference != attempt.channel_reference


def _require_same_amount(attempt: Attempt, evidence: Evidence) -> None:
    reported_amount = (evidence.amount_minor, evidence.currency_code)
    if evidence.amount_minor is not None and reported_amount != (attempt.amount_minor, attempt.currency_code):
        raise ChannelAmountMismatch(
            f"The attempt is over {attempt.amount_minor} minor units of {attempt.currency_code}.",
            field="amount",
            amount_minor=str(attempt.amount_minor),
            currency_code=attempt.currency_code,
        )
