"""A payment that a job cannot do holds up no other, whichever job it is."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from paykit.channels.attempts import OUTCOME_WITHIN_S
from services.payment.jobs import attempts, overdue, reminders
from tests.integration import bad_rows
from tests.integration.payment.capturing import advance
from tests.integration.payment.conftest import House
from tests.integration.payment.test_overdue import age

PAYMENTS = 5


async def authorized(house: House) -> list[str]:
    payments = [(await house.authorized()).payment_id for _ in range(PAYMENTS)]
    advance(house, timedelta(days=6, hours=12))
    return payments


async def unsent(house: House) -> list[str]:
    payments = [(await house.create()).payment_id for _ in range(PAYMENTS)]
    advance(house, timedelta(days=2))
    return payments


async def unanswered(house: House) -> list[str]:
    house.channel.fate = lambda _: "pending"
    payments = [(await house.paid()).payment_id for _ in range(PAYMENTS)]
    for payment_id in payments:
        [attempt] = await house.attempts(payment_id)
        await age(house, attempt.attempt_id, OUTCOME_WITHIN_S + 1)
    return payments


@pytest.mark.parametrize(
    ("prepare", "job", "tells"),
    [
        (authorized, reminders.warn_of_expiries, "AuthorizationExpiring"),
        (unsent, attempts.expire_unsent, "PaymentFailed"),
        (unanswered, overdue.tell, "AttemptOverdue"),
    ],
)
async def test_one_that_a_job_cannot_do_leaves_the_others_done_and_is_done_once_it_can_be(
    house: House,
    monkeypatch: pytest.MonkeyPatch,
    prepare: Callable[[House], Awaitable[list[str]]],
    job: Callable[[Any], Awaitable[bool]],
    tells: str,
) -> None:
    bad_rows.retry_at_once(monkeypatch)
    payments = await prepare(house)

    async def told() -> list[int]:
        return [(await house.told_types(payment_id)).count(tells) for payment_id in payments]

    with monkeypatch.context() as planted:
        bad_rows.plant(planted, payments[1])
        assert await job(house.runtime) is False
        assert await told() == [1, 0, 1, 1, 1]
    assert await job(house.runtime) is False
    assert await told() == [1, 1, 1, 1, 1]
