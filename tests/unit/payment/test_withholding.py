"""What is sent for which merchant, and until when: each pair of the table, written out by hand."""

import itertools
from datetime import datetime, timedelta

import pytest

from paykit.channels.attempts import AttemptState, Evidence, EvidenceOutcome, Source, Verdict
from paykit.errors import FieldInvalid
from paykit.merchants.standing import MerchantStanding
from paystream.payment.v1 import events
from services.payment.domain import attempt as attempts
from services.payment.domain.attempt import AttemptAction
from tests.unit.payment.builders import LATER, NOON, attempt

# Rows: the standing of the merchant; columns: CHARGE AUTHORIZE CAPTURE CANCEL REFUND.
TABLE = """
UNKNOWN    -     -     -     sent  sent
CREATED    -     -     -     sent  sent
ACTIVE     sent  sent  sent  sent  sent
SUSPENDED  -     -     -     sent  sent
FROZEN     -     -     -     sent  sent
CLOSING    -     -     sent  sent  sent
"""
CELLS = [
    (AttemptAction(action), MerchantStanding(row[0]), word == "sent")
    for row in (line.split() for line in TABLE.strip().splitlines())
    for action, word in zip(["CHARGE", "AUTHORIZE", "CAPTURE", "CANCEL", "REFUND"], row[1:], strict=True)
]


@pytest.mark.parametrize(("action", "standing", "sent"), CELLS)
def test_every_action_for_every_standing(action: AttemptAction, standing: MerchantStanding, sent: bool) -> None:  # noqa: FBT001
    evidence = attempts.withhold(attempt(action=action), standing, now=NOON)

    assert (evidence is None) is sent
    if evidence is not None:
        assert (evidence.source, evidence.outcome) == (Source.WITHHELD, EvidenceOutcome.FAILED)
        assert attempts.failure_reason(evidence) is events.FailureReason.MERCHANT_SUSPENDED


def test_the_table_names_every_action_and_standing() -> None:
    assert {cell[:2] for cell in CELLS} == set(itertools.product(AttemptAction, MerchantStanding))
    assert set(attempts.SENT) == set(itertools.product(AttemptAction, MerchantStanding))


def test_what_was_accepted_is_sent_for_a_merchant_that_is_being_read_anew() -> None:
    assert attempts.withhold(attempt(), None, now=NOON) is None


@pytest.mark.parametrize(
    ("expire_time", "withheld"),
    [(None, False), (NOON + timedelta(microseconds=1), False), (NOON, True), (NOON - timedelta(days=1), True)],
)
def test_what_is_too_late_is_not_sent(expire_time: datetime | None, withheld: bool) -> None:  # noqa: FBT001
    evidence = attempts.withhold(attempt(expire_time=expire_time), MerchantStanding.ACTIVE, now=NOON)

    assert (evidence is not None) is withheld
    if evidence is not None:
        assert attempts.failure_reason(evidence) is events.FailureReason.EXPIRED_UNSENT


def test_what_is_withheld_has_failed_without_a_word_of_the_channel() -> None:
    evidence = attempts.withhold(attempt(), MerchantStanding.SUSPENDED, now=LATER)
    assert evidence is not None

    failed = attempts.decide(attempt(), evidence, Verdict.FAIL, now=LATER)

    assert (failed.state, failed.failure_reason, failed.failure_code, failed.channel_reference) == (
        *("FAILED", "MERCHANT_SUSPENDED", "merchant_suspended"),
        None,
    )


def test_a_channel_that_uses_our_words_means_its_own() -> None:
    evidence = attempts.withhold(attempt(), MerchantStanding.SUSPENDED, now=LATER)
    assert evidence is not None
    told = Evidence(
        attempt_id=evidence.attempt_id,
        source=Source.RESPONSE,
        outcome=EvidenceOutcome.FAILED,
        failure_code=evidence.failure_code,
    )

    assert attempts.failure_reason(told) is events.FailureReason.CHANNEL_REJECTED


def test_what_waited_too_long_fails_as_never_sent() -> None:
    expired, failure = attempts.expire(attempt(AttemptState.PENDING), now=LATER)

    assert (expired.state, expired.failure_reason, expired.failure_code) == (
        *("FAILED", "EXPIRED_UNSENT"),
        "expired_unsent",
    )
    assert (failure.reason, failure.code, failure.channel_reference) == ("EXPIRED_UNSENT", "expired_unsent", None)


def test_a_payment_may_be_sent_for_a_day_unless_its_caller_says_otherwise() -> None:
    day = attempts.UNSENT_TTL

    assert attempts.send_until(None, day, now=NOON) == NOON + timedelta(hours=24)
    assert attempts.send_until(LATER, day, now=NOON) == LATER
    assert attempts.send_until(NOON + timedelta(days=30), day, now=NOON) == NOON + timedelta(days=30)


@pytest.mark.parametrize("expire_time", [NOON, NOON - timedelta(seconds=1), NOON + timedelta(days=30, seconds=1)])
def test_a_time_that_is_past_or_too_far_ahead_is_refused(expire_time: datetime) -> None:
    with pytest.raises(FieldInvalid) as refused:
        attempts.send_until(expire_time, attempts.UNSENT_TTL, now=NOON)
    assert refused.value.field == "expire_time"
