"""What becomes of a notification, try by try."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paykit.errors import IllegalTransition
from paystream.notification.v1 import events
from services.notification.domain.notification import (
    DOUBTS_MAX,
    LEASE,
    TRIES_MAX,
    DeliveryOutcome,
    DeliveryResult,
    Notification,
    NotificationState,
    conclude,
    end,
    resend,
    retry_delay,
    start,
)
from services.notification.jobs.mail import SEND_WITHIN_S
from services.notification.jobs.smtp import MAIL_S_MAX, without_addresses
from tests.unit.notification.notifications import NOON, queued

LATER = NOON + timedelta(minutes=1)
_O, _S = DeliveryOutcome, NotificationState


def tried(notification: Notification, *results: DeliveryResult) -> tuple[Notification, list[object]]:
    """Let tries end like this, one after the other; gives the notification and the events it emitted."""
    emitted: list[object] = []
    for result in results:
        started, _ = start(notification, now=NOON, real_now=NOON)
        notification, event = conclude(started, result, now=LATER, real_now=LATER)
        emitted += [event] if event is not None else []
    return notification, emitted


def of(outcome: DeliveryOutcome, reason: str | None = None) -> DeliveryResult:
    return DeliveryResult(outcome=outcome, reason=reason, locale="en")


def test_delays_double_up_to_an_hour_and_end_after_about_three_days() -> None:
    delays = [int(retry_delay(count).total_seconds()) for count in range(1, TRIES_MAX)]
    assert delays[:11] == [10, 20, 40, 80, 160, 320, 640, 1_280, 2_560, 3_600, 3_600]
    assert sum(delays) == 5_110 + 70 * 3_600
    assert timedelta(days=2, hours=22) < timedelta(seconds=sum(delays)) < timedelta(days=3)


def test_a_lease_is_longer_than_a_try_can_be() -> None:
    assert LEASE.total_seconds() > SEND_WITHIN_S + MAIL_S_MAX


@pytest.mark.parametrize(
    ("outcomes", "state", "event"),
    [
        ([_O.ACCEPTED], _S.SENT, events.NotificationSent),
        ([_O.REFUSED], _S.FAILED, events.NotificationFailed),
        ([_O.SUPPRESSED], _S.SUPPRESSED, None),
        ([_O.DEFERRED], _S.QUEUED, None),
        ([_O.IN_DOUBT], _S.QUEUED, None),
        ([_O.IN_DOUBT, _O.IN_DOUBT], _S.UNKNOWN, events.NotificationFailed),
        ([_O.IN_DOUBT, _O.DEFERRED, _O.IN_DOUBT], _S.UNKNOWN, events.NotificationFailed),
        ([_O.IN_DOUBT, _O.ACCEPTED], _S.SENT, events.NotificationSent),
        ([_O.IN_DOUBT, _O.REFUSED], _S.FAILED, events.NotificationFailed),
        ([_O.DEFERRED] * TRIES_MAX, _S.FAILED, events.NotificationFailed),
        ([_O.IN_DOUBT] + [_O.DEFERRED] * (TRIES_MAX - 1), _S.UNKNOWN, events.NotificationFailed),
    ],
)
def test_a_notification_ends_by_what_its_tries_came_to(
    outcomes: list[DeliveryOutcome], state: NotificationState, event: type | None
) -> None:
    notification, emitted = tried(queued(), *map(of, outcomes))
    assert notification.state is state
    assert [type(each) for each in emitted] == ([event] if event else [])
    assert (notification.try_count, notification.try_total) == (len(outcomes), len(outcomes))
    assert notification.aggregate_version == len(emitted)
    assert (notification.due_time is None) == (state is not _S.QUEUED)
    assert (notification.send_time is not None) == (state is _S.SENT)


def test_only_what_may_have_arrived_is_said_to_be_in_doubt() -> None:
    (refused,) = tried(queued(), of(_O.REFUSED, "RECIPIENT_REFUSED"))[1]
    (doubtful,) = tried(queued(), *[of(_O.IN_DOUBT, "NO_ANSWER")] * DOUBTS_MAX)[1]
    assert isinstance(refused, events.NotificationFailed)
    assert isinstance(doubtful, events.NotificationFailed)
    assert (refused.reason, refused.in_doubt) == ("RECIPIENT_REFUSED", False)
    assert (doubtful.reason, doubtful.in_doubt) == ("NO_ANSWER", True)


def test_a_try_has_a_lease_and_an_end() -> None:
    started, delivery_try = start(queued(), now=NOON, real_now=LATER)
    assert (started.state, started.due_time) == (_S.SENDING, LATER + LEASE)
    ended = end(delivery_try, of(_O.DEFERRED, "SERVER_TIMEOUT"), now=LATER)
    assert (ended.try_number, ended.outcome, ended.reason, ended.end_time) == (1, _O.DEFERRED, "SERVER_TIMEOUT", LATER)


def test_what_was_sent_goes_out_again_as_another_mail_and_anything_else_as_the_same() -> None:
    sent = resend(tried(queued(), of(_O.ACCEPTED))[0], now=LATER, real_now=LATER)
    failed = resend(tried(queued(), of(_O.REFUSED))[0], now=LATER, real_now=LATER)
    assert (sent.state, sent.try_count, sent.resend_count) == (_S.QUEUED, 0, 1)
    assert sent.message_name == f"{sent.notification_id}.1"
    assert failed.message_name == failed.notification_id
    assert (failed.resend_count, failed.try_total, failed.due_time) == (1, 1, LATER)


@pytest.mark.parametrize("state", [_S.QUEUED, _S.SENDING])
def test_what_is_on_its_way_is_not_sent_again(state: NotificationState) -> None:
    with pytest.raises(IllegalTransition):
        resend(queued(state=state), now=NOON, real_now=NOON)


def test_what_ended_is_not_tried_and_what_is_not_tried_does_not_end() -> None:
    with pytest.raises(IllegalTransition):
        start(tried(queued(), of(_O.ACCEPTED))[0], now=NOON, real_now=NOON)
    with pytest.raises(IllegalTransition):
        conclude(queued(), of(_O.ACCEPTED), now=NOON, real_now=NOON)


@given(st.lists(st.sampled_from(list(DeliveryOutcome)), min_size=1, max_size=2 * TRIES_MAX))
def test_a_mail_that_was_taken_or_refused_is_never_tried_again(outcomes: list[DeliveryOutcome]) -> None:
    notification, doubts = queued(), 0
    for outcome in outcomes:
        if notification.state is not _S.QUEUED:
            break
        doubts += outcome is _O.IN_DOUBT
        notification, _ = tried(notification, of(outcome))
        if outcome in {_O.ACCEPTED, _O.REFUSED, _O.SUPPRESSED}:
            assert notification.due_time is None
    assert notification.try_count <= TRIES_MAX
    assert doubts <= DOUBTS_MAX


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("<jo@home.example>: no such user", "<address>: no such user"),
        ("jo@home.example and al@home.example", "<address> and <address>"),
        ("two\nlines\x00", "two lines?"),
        ("x" * 300, "x" * 200),
        ("", ""),
    ],
)
def test_what_a_server_says_is_kept_without_addresses(said: str, kept: str) -> None:
    assert without_addresses(said) == kept
