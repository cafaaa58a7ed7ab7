"""What evidence proves about an attempt, and what is said later against what was proven. Pure.

What has ended follows what its channel says later: the last new word is what is believed, and `contradicted` stays.
A word is new once: told again, by whichever way and however late, it changes nothing. Nor does a word that was
overtaken: one that the channel gave before another which was recorded first.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import TypeVar

from paykit.channels import payer_actions
from paykit.channels.attempts import (
    DECIDING,
    Attempt,
    AttemptState,
    ChannelAmountMismatch,
    Evidence,
    EvidenceOutcome,
    Lookup,
    Source,
    Verdict,
    not_found,
)
from paykit.clock import no_earlier
from paykit.errors import IllegalTransition

A = TypeVar("A", bound=Attempt)


class LaterWord(StrEnum):
    """What evidence that contradicts says of an attempt that has ended.

    SUCCEEDED and FAILED are the opposite of what is recorded. SECOND_REFERENCE: carried out once more, under another
    reference. LESS and MORE: carried out over another amount than is recorded. SECOND_FAILED: what was carried out
    under another reference was undone.
    """

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    SECOND_REFERENCE = "SECOND_REFERENCE"
    SECOND_FAILED = "SECOND_FAILED"
    LESS = "LESS"
    MORE = "MORE"


@dataclass(frozen=True, slots=True)
class Word:
    """What evidence says, whichever way it came: heard twice, it is the same word."""

    outcome: EvidenceOutcome
    channel_reference: str | None
    failure_code: str | None
    amount_minor: int | None


Heard = Mapping[str, Collection[Evidence]]
"""What was said of attempts before, by attempt_id."""


_V = Verdict
_OPEN = {EvidenceOutcome.SUCCEEDED: _V.SUCCEED, EvidenceOutcome.RETURNED: _V.SUCCEED, EvidenceOutcome.FAILED: _V.FAIL}

VERDICTS: Mapping[tuple[AttemptState, EvidenceOutcome], Verdict] = MappingProxyType(
    {
        **{(AttemptState.STARTED, outcome): _OPEN.get(outcome, _V.LOSE_ANSWER) for outcome in EvidenceOutcome},
        **{(AttemptState.UNKNOWN, outcome): _OPEN.get(outcome, _V.WAIT) for outcome in EvidenceOutcome},
        **{(AttemptState.ACTION_REQUIRED, outcome): _OPEN.get(outcome, _V.WAIT) for outcome in EvidenceOutcome},
        **{(AttemptState.SUCCEEDED, outcome): _V.CONFIRM for outcome in EvidenceOutcome},
        (AttemptState.SUCCEEDED, EvidenceOutcome.FAILED): _V.CONTRADICT,
        **{(AttemptState.FAILED, outcome): _V.CONFIRM for outcome in EvidenceOutcome},
        (AttemptState.FAILED, EvidenceOutcome.SUCCEEDED): _V.CONTRADICT,
        (AttemptState.FAILED, EvidenceOutcome.RETURNED): _V.CONTRADICT,
    }
)
"""What evidence changes in each state; nothing can be known of an attempt that is PENDING."""


def judge(attempt: Attempt, evidence: Evidence, heard: Collection[Evidence] = ()) -> Verdict:
    """Say what evidence changes about an attempt; another amount is evidence, too.

    Args:
        attempt: As it stands.
        evidence: What became known.
        heard: What was said of it before.

    Raises:
        ChannelAmountMismatch: The evidence is in another currency.
        IllegalTransition: The attempt was never sent, so the evidence cannot be about it.
    """
    _require_same_currency(attempt, evidence)
    if (of_the_payer := payer_actions.judge(attempt, evidence)) is not None:
        return of_the_payer
    verdict = VERDICTS.get((attempt.state, evidence.outcome))
    if verdict is None:
        raise IllegalTransition(
            f"An attempt that is {attempt.state} has no outcome yet.", state=attempt.state, action="REPORT"
        )
    if evidence.outcome is EvidenceOutcome.NOT_FOUND and verdict is not Verdict.CONFIRM and evidence.final:
        return Verdict.FAIL
    if verdict in {Verdict.CONFIRM, Verdict.CONTRADICT}:
        return Verdict.CONFIRM if _says_nothing_new(attempt, evidence, heard) else Verdict.CONTRADICT
    return verdict


def _says_nothing_new(attempt: Attempt, evidence: Evidence, heard: Collection[Evidence]) -> bool:
    """Return whether evidence leaves an attempt that has ended as it is."""
    word = later_word(attempt, evidence, heard)
    if word is None or word_of(attempt, evidence) in {word_of(attempt, told) for told in heard}:
        return True
    # What was carried out under another reference was carried out, whenever it became known.
    return word is not LaterWord.SECOND_REFERENCE and was_overtaken(evidence, heard)


def was_overtaken(evidence: Evidence, heard: Collection[Evidence]) -> bool:
    """Return whether the channel told more after the word that this is, and that became known first.

    An answer is under way only while its attempt is open, so that what decided the attempt meanwhile is what the
    channel said afterwards: a call is answered before anything else is said of it. A callback that was told while an
    inquiry was in the air may be older than the inquiry's answer; it is believed all the same, for of what comes after
    a callback the channel tells by another one, and of what comes after an answer by none.

    That the channel had not got the attempt, or was not sent it, is no word of the channel on what became of it.
    """
    overtaking = _OVERTAKEN_BY.get(evidence.source, frozenset())
    return any(told.source in overtaking and told.outcome in DECIDING for told in heard)


_OVERTAKEN_BY: Mapping[Source, frozenset[Source]] = MappingProxyType(
    {
        Source.RESPONSE: frozenset({Source.INQUIRY, Source.CALLBACK, Source.STATEMENT_LINE}),
        Source.INQUIRY: frozenset({Source.CALLBACK, Source.STATEMENT_LINE}),
    }
)


def later_word(attempt: Attempt, evidence: Evidence, heard: Collection[Evidence] = ()) -> LaterWord | None:
    """Return what evidence says against an attempt that has ended; None where it says nothing against it."""
    succeeded = attempt.state is AttemptState.SUCCEEDED
    if evidence.outcome in {EvidenceOutcome.SUCCEEDED, EvidenceOutcome.RETURNED} and not succeeded:
        return LaterWord.SUCCEEDED
    if evidence.outcome is EvidenceOutcome.FAILED and succeeded:
        return _later_failure(attempt, evidence, heard)
    if evidence.outcome is not EvidenceOutcome.SUCCEEDED:
        return None
    if _other_reference(attempt, evidence):
        return LaterWord.SECOND_REFERENCE
    difference_minor = (evidence.amount_minor or attempt.carried_out_minor) - attempt.carried_out_minor
    if not difference_minor or not attempt.amount_counts:
        return None
    return LaterWord.MORE if difference_minor > 0 else LaterWord.LESS


def word_of(attempt: Attempt, evidence: Evidence) -> Word:
    """Return what evidence says; a success without an amount is over what was asked for.

    A failure is told with and without the attempt's own reference: it makes no difference.
    """
    succeeded = evidence.outcome is EvidenceOutcome.SUCCEEDED
    amount_minor = evidence.amount_minor or attempt.amount_minor
    names = succeeded or (attempt.channel_reference is not None and _other_reference(attempt, evidence))
    return Word(
        outcome=evidence.outcome,
        channel_reference=evidence.channel_reference if names else None,
        failure_code=None if succeeded else evidence.failure_code,
        amount_minor=amount_minor if succeeded and attempt.amount_counts else None,
    )


def recorded_evidence(attempt: Attempt) -> Evidence:
    """Return what is recorded of an attempt that has ended, as the evidence that it came from."""
    succeeded = attempt.state is AttemptState.SUCCEEDED
    return Evidence(
        attempt_id=attempt.attempt_id,
        source=Source.RECORD,
        outcome=EvidenceOutcome.SUCCEEDED if succeeded else EvidenceOutcome.FAILED,
        channel_reference=attempt.channel_reference,
        failure_code=attempt.failure_code,
        amount_minor=attempt.carried_out_minor if succeeded else None,
        currency_code=attempt.currency_code if succeeded else None,
    )


def weigh(attempts: Lookup[A], evidence: Evidence, heard: Heard | None = None) -> tuple[A, Verdict]:
    """Find the attempt, among the locked ones, that evidence is about, and judge the evidence.

    Raises:
        AttemptNotFound: It is about none of them.
        ChannelAmountMismatch, IllegalTransition: As `judge` does.
    """
    attempt = attempts.get(evidence.attempt_id)
    if attempt is None:
        raise not_found(evidence.attempt_id)
    return attempt, judge(attempt, evidence, (heard or {}).get(attempt.attempt_id, ()))


def decide(attempt: A, evidence: Evidence, verdict: Verdict, *, failure_reason: str | None, now: datetime) -> A:
    """Return the attempt as a verdict leaves it; what contradicts is believed from now on, and marks it.

    `failure_reason` is what a failure means in the service's words; it is looked at only if the evidence is of one.
    """
    if verdict is Verdict.CONFIRM:
        return attempt
    if verdict is Verdict.CONTRADICT:
        marked = replace(attempt, contradicted=True, update_time=no_earlier(now, attempt.update_time))
        return _follow(marked, evidence, failure_reason)
    failed = verdict is Verdict.FAIL
    return replace(
        attempt,
        state=_STATE_AFTER.get(verdict, attempt.state),
        channel_reference=evidence.channel_reference or attempt.channel_reference,
        failure_reason=failure_reason if failed else None,
        failure_code=evidence.failure_code if failed else None,
        approved_minor=_approved_minor(attempt, evidence) if verdict is Verdict.SUCCEED else None,
        inquiry_count=attempt.inquiry_count + (evidence.source is Source.INQUIRY),
        update_time=no_earlier(now, attempt.update_time),
    )


_STATE_AFTER = {
    Verdict.SUCCEED: AttemptState.SUCCEEDED,
    Verdict.FAIL: AttemptState.FAILED,
    Verdict.LOSE_ANSWER: AttemptState.UNKNOWN,
    Verdict.REQUIRE_ACTION: AttemptState.ACTION_REQUIRED,
}


def _follow(attempt: A, evidence: Evidence, failure_reason: str | None) -> A:
    """Return a contradicted attempt as the later word has it; what came under a second reference leaves it as it is."""
    word = later_word(attempt, evidence)
    if word in {LaterWord.LESS, LaterWord.MORE}:
        return replace(attempt, approved_minor=_approved_minor(attempt, evidence))
    if word is LaterWord.SUCCEEDED:
        return replace(
            attempt,
            state=AttemptState.SUCCEEDED,
            channel_reference=evidence.channel_reference or attempt.channel_reference,
            failure_reason=None,
            failure_code=None,
            approved_minor=_approved_minor(attempt, evidence),
        )
    if word is LaterWord.FAILED:
        return replace(
            attempt, state=AttemptState.FAILED, failure_reason=failure_reason, failure_code=evidence.failure_code
        )
    return attempt


def _later_failure(attempt: Attempt, evidence: Evidence, heard: Collection[Evidence]) -> LaterWord | None:
    """Return what a failure under a reference says of an attempt that succeeded under its own."""
    if not _other_reference(attempt, evidence):
        return LaterWord.FAILED
    seconds = {told.channel_reference for told in heard if told.outcome is EvidenceOutcome.SUCCEEDED}
    return LaterWord.SECOND_FAILED if evidence.channel_reference in seconds else None


def _approved_minor(attempt: Attempt, evidence: Evidence) -> int | None:
    """Return the amount of a success where it is another than was asked for."""
    if not attempt.amount_counts or evidence.outcome is EvidenceOutcome.RETURNED:
        return None
    return None if evidence.amount_minor == attempt.amount_minor else evidence.amount_minor


def _other_reference(attempt: Attempt, evidence: Evidence) -> bool:
    return evidence.channel_reference is not None and evidence.channel_reference != attempt.channel_reference


def _require_same_currency(attempt: Attempt, evidence: Evidence) -> None:
    if evidence.amount_minor is not None and evidence.currency_code != attempt.currency_code:
        raise ChannelAmountMismatch(
            f"The attempt is in {attempt.currency_code}.",
            field="amount",
            amount_minor=str(attempt.amount_minor),
            currency_code=attempt.currency_code,
        )
