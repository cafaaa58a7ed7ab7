"""A payout that a job cannot do holds up no other, whichever job it is."""

from collections.abc import Callable
from typing import Any

import pytest

from paykit.channels.attempts import OUTCOME_WITHIN_S
from services.withdrawal import domain, jobs
from tests.integration import aging, bad_rows
from tests.integration.withdrawal.conftest import Treasury

AMOUNT = 6_000


@pytest.fixture(autouse=True)
async def settled(treasury: Treasury) -> None:
    await treasury.settle(100_000)


async def states(treasury: Treasury, withdrawals: list[str]) -> list[str]:
    return [await treasury.state(withdrawal_id) for withdrawal_id in withdrawals]


def is_of(withdrawal_id: str) -> Callable[..., bool]:
    return lambda claimed, *_: claimed.attempt.withdrawal_id == withdrawal_id


@pytest.mark.parametrize("where", ["deciding", "asking"])
async def test_one_that_cannot_be_sent_stays_unsent_leaves_the_others_sent_and_is_sent_once_it_can_be(
    treasury: Treasury, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    bad_rows.retry_at_once(monkeypatch)
    made = [(await treasury.held(AMOUNT)).withdrawal_id for _ in range(4)]
    with monkeypatch.context() as planted:
        if where == "deciding":
            bad_rows.plant(planted, made[1])
        else:
            bad_rows.break_when(planted, jobs, "_to_request", is_of(made[1]))
        await treasury.submit()
        assert await states(treasury, made) == ["COMPLETED", "APPROVED", "COMPLETED", "COMPLETED"]
        assert bad_rows.failing("withdrawal", "submit_to_simulator") == 1
    await treasury.submit()
    assert await states(treasury, made) == ["COMPLETED"] * 4
    assert sorted(treasury.bank.sent.values()) == [1] * 4
    assert bad_rows.failing("withdrawal", "submit_to_simulator") == 0


@pytest.mark.parametrize("where", ["asking", "recording"])
async def test_one_that_cannot_be_inquired_about_leaves_the_others_and_is_found_out_about_once_it_can_be(
    treasury: Treasury, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    bad_rows.retry_at_once(monkeypatch)
    treasury.bank.fate = lambda _: "lost_after"
    made = [(await treasury.held(AMOUNT)).withdrawal_id for _ in range(4)]
    await treasury.submit()
    unknown = await treasury.state(made[1])

    def decides(attempt: Any, *_: Any, **__: Any) -> bool:
        return bool(attempt.withdrawal_id == made[1])

    with monkeypatch.context() as planted:
        if where == "asking":
            bad_rows.break_when(planted, jobs, "_to_request", is_of(made[1]))
        else:
            bad_rows.break_when(planted, domain.attempt, "decide", decides)
        await treasury.inquire()
        assert await states(treasury, made) == ["COMPLETED", unknown, "COMPLETED", "COMPLETED"]
        assert bad_rows.failing("withdrawal", "inquire_at_simulator") == 1
    await treasury.inquire()
    assert await states(treasury, made) == ["COMPLETED"] * 4
    assert bad_rows.failing("withdrawal", "inquire_at_simulator") == 0


async def test_one_that_cannot_be_told_overdue_leaves_the_others_told(
    treasury: Treasury, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad_rows.retry_at_once(monkeypatch)
    treasury.bank.fate = lambda _: "pending"
    made = [(await treasury.paid(AMOUNT)).withdrawal_id for _ in range(4)]
    await aging.age_attempts(treasury.runtime, by_s=OUTCOME_WITHIN_S + 60)

    async def told() -> list[int]:
        return [(await treasury.told_types(withdrawal_id)).count("AttemptOverdue") for withdrawal_id in made]

    with monkeypatch.context() as planted:
        bad_rows.plant(planted, made[1])
        await jobs.tell_overdue(treasury.runtime)
        assert await told() == [1, 0, 1, 1]
        assert bad_rows.failing("withdrawal", "tell_overdue_withdrawals") == 1
    await jobs.tell_overdue(treasury.runtime)
    assert await told() == [1] * 4
