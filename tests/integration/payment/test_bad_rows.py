"""A payment that a job cannot do holds up no other, whichever job it is."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from paykit.channels.attempts import OUTCOME_WITHIN_S
from paystream.payment.v1 import payment_pb2 as pb
from services.payment import domain
from services.payment.jobs import attempts, channels, disputes, overdue, refunds, reminders
from services.payment.jobs import contradictions as contradiction_jobs
from services.payment.store import Response
from tests.integration import bad_rows
from tests.integration.payment.capturing import advance
from tests.integration.payment.conftest import House
from tests.integration.payment.disputing import DUE, DisputingChannel, channel, contest, disputed
from tests.integration.payment.test_later_words import declined_charge
from tests.integration.payment.test_overdue import age
from tests.integration.payment.test_payer_actions import waiting
from tests.integration.payment.test_refund_funds import QUEUE, book, restrict, state

__all__ = ["channel"]

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


async def disputed_ones(house: House) -> list[str]:
    made = [await disputed(house, dispute_reference=f"chd_{number}") for number in range(PAYMENTS)]
    advance(house, DUE - timedelta(hours=1) - house.runtime.clock.now())
    return [dispute.payment_id for dispute in made]


@pytest.mark.parametrize(
    ("prepare", "job", "name", "tells"),
    [
        (authorized, reminders.warn_of_expiries, "warn_of_expiries", "AuthorizationExpiring"),
        (unsent, attempts.expire_unsent, "expire_unsent", "PaymentFailed"),
        (unanswered, overdue.tell, "tell_overdue_attempts", "AttemptOverdue"),
        (disputed_ones, reminders.remind_of_disputes, "remind_of_disputes", "DisputeDueSoon"),
    ],
)
async def test_one_that_a_job_cannot_do_leaves_the_others_done_and_is_done_once_it_can_be(
    house: House,
    monkeypatch: pytest.MonkeyPatch,
    *,
    prepare: Callable[[House], Awaitable[list[str]]],
    job: Callable[[Any], Awaitable[bool]],
    name: str,
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
        assert bad_rows.failing("payment", name) == 1
    assert await job(house.runtime) is False
    assert await told() == [1, 1, 1, 1, 1]


async def states(house: House, payments: list[str]) -> list[int]:
    return [(await house.get(payment_id)).state for payment_id in payments]


def is_of(payment_id: str) -> Callable[..., bool]:
    """Whether what is claimed is of a payment."""
    return lambda claimed, **_: claimed.attempt.payment_id == payment_id


async def test_a_charge_that_cannot_be_asked_for_stays_unsent_leaves_the_others_sent_and_is_sent_once_it_can_be(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad_rows.retry_at_once(monkeypatch)
    payments = [(await house.create()).payment_id for _ in range(PAYMENTS)]
    done, new = pb.PAYMENT_STATE_SUCCEEDED, pb.PAYMENT_STATE_CREATED
    with monkeypatch.context() as planted:
        bad_rows.break_when(planted, channels, "to_request", is_of(payments[1]))
        await house.submit()
        assert await states(house, payments) == [done, new, done, done, done]
        assert bad_rows.failing("payment", "submit_to_simulator") == 1
    await house.submit()
    assert await states(house, payments) == [done] * PAYMENTS
    assert bad_rows.failing("payment", "submit_to_simulator") == 0
    assert sorted(house.channel.sent.values()) == [1] * PAYMENTS


async def inquired_about(house: House) -> list[str]:
    """Payments whose channel has charged them, and said nothing."""
    house.channel.fate = lambda _: "lost_after"
    payments = [(await house.create()).payment_id for _ in range(PAYMENTS)]
    await house.submit()
    return payments


@pytest.mark.parametrize(
    ("owner", "name", "is_bad"),
    [
        (channels, "to_request", is_of),
        (domain.attempt, "decide", lambda bad: lambda attempt, *_, **__: attempt.payment_id == bad),
    ],
    ids=["asking", "recording"],
)
async def test_a_charge_that_cannot_be_inquired_about_leaves_the_others_and_is_found_out_about_once_it_can_be(
    house: House, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, is_bad: Callable[[str], Callable[..., bool]]
) -> None:
    bad_rows.retry_at_once(monkeypatch)
    payments = await inquired_about(house)
    done, unknown = pb.PAYMENT_STATE_SUCCEEDED, pb.PAYMENT_STATE_UNKNOWN
    with monkeypatch.context() as planted:
        bad_rows.break_when(planted, owner, name, is_bad(payments[1]))
        await house.inquire()
        assert await states(house, payments) == [done, unknown, done, done, done]
        await house.inquire(after_s=0.0)  # Its lease is not over, if it was taken: it is not forgotten meanwhile.
        assert bad_rows.failing("payment", "inquire_at_simulator") == 1
    await house.inquire()
    assert await states(house, payments) == [done] * PAYMENTS
    assert bad_rows.failing("payment", "inquire_at_simulator") == 0


async def test_what_ended_otherwise_is_no_failing_row_any_more(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    bad_rows.retry_at_once(monkeypatch)
    [payment_id, *_] = await inquired_about(house)
    bad_rows.break_when(monkeypatch, channels, "to_request", is_of(payment_id))
    await house.inquire()
    assert bad_rows.failing("payment", "inquire_at_simulator") == 1
    [attempt] = await house.attempts(payment_id)
    await house.report(attempt.attempt_id, pb.CHANNEL_OUTCOME_APPROVED)
    await house.inquire()
    assert bad_rows.failing("payment", "inquire_at_simulator") == 0


async def test_an_authorization_that_cannot_be_given_up_leaves_the_others_given_up(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad_rows.retry_at_once(monkeypatch)
    payments = [(await house.authorized()).payment_id for _ in range(PAYMENTS)]
    advance(house, timedelta(days=8))

    async def voids() -> list[int]:
        return [len(await house.attempts(payment_id)) - 1 for payment_id in payments]

    with monkeypatch.context() as planted:
        bad_rows.break_when(
            planted, domain.authorization, "intend_cancel", lambda payment, **_: payment.payment_id == payments[1]
        )
        await attempts.expire_authorizations(house.runtime)
        assert await voids() == [1, 0, 1, 1, 1]
        assert bad_rows.failing("payment", "expire_authorizations") == 1
    await attempts.expire_authorizations(house.runtime)
    assert await voids() == [1] * PAYMENTS


async def test_an_action_that_cannot_be_called_off_leaves_the_others_called_off(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad_rows.retry_at_once(monkeypatch)
    payments = [(await waiting(house)).payment_id for _ in range(PAYMENTS)]
    advance(house, timedelta(hours=2))

    async def shown() -> list[bool]:
        """Of which payments the payer is still told what to do."""
        return [(await house.get(payment_id)).HasField("next_action") for payment_id in payments]

    with monkeypatch.context() as planted:
        bad_rows.break_when(
            planted, domain.awaiting, "call_off", lambda payment, **_: payment.payment_id == payments[1]
        )
        await attempts.expire_actions(house.runtime)
        assert await shown() == [False, True, False, False, False]
        assert bad_rows.failing("payment", "expire_actions") == 1
    await attempts.expire_actions(house.runtime)
    assert await shown() == [False] * PAYMENTS
    assert bad_rows.failing("payment", "expire_actions") == 0


async def test_a_refund_that_cannot_be_released_leaves_the_others_of_its_merchant_released(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad_rows.retry_at_once(monkeypatch)
    await restrict(house, QUEUE)
    payment_id = (await house.paid()).payment_id
    waiting = [await house.refund(payment_id, 1_000) for _ in range(PAYMENTS)]
    await book(house, ("merchant.settlement", 10_000))
    with monkeypatch.context() as planted:
        bad = waiting[1].refund_id
        bad_rows.break_when(planted, domain.funds, "release", lambda refund, **_: refund.refund_id == bad)
        await refunds.release_refunds(house.runtime)
        expected = ["CREATED", "QUEUED", "CREATED", "CREATED", "CREATED"]
        assert [await state(house, refund) for refund in waiting] == expected
        assert bad_rows.failing("payment", "release_refunds") == 1
    await refunds.release_refunds(house.runtime)
    assert [await state(house, refund) for refund in waiting] == ["CREATED"] * PAYMENTS
    assert bad_rows.failing("payment", "release_refunds") == 0


async def test_money_that_cannot_be_given_back_leaves_the_other_money_given_back(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad_rows.retry_at_once(monkeypatch)
    declined = [await declined_charge(house) for _ in range(3)]
    payments = [failed.payment_id for failed, _ in declined]
    for number, (_, charge) in enumerate(declined):
        await house.report(charge.attempt_id, pb.CHANNEL_OUTCOME_APPROVED, f"ch_late_{number}")
    house.channel.fate = lambda request: "decline" if type(request).__name__ == "RefundRequest" else "approve"
    await house.submit()
    advance(house, timedelta(days=2))

    async def given_back() -> list[int]:
        return [(await house.told_types(payment_id)).count("RefundCreated") for payment_id in payments]

    before = await given_back()
    with monkeypatch.context() as planted:
        bad_rows.plant(planted, payments[1])
        await contradiction_jobs.retry_refunds(house.runtime)
        assert await given_back() == [before[0] + 1, before[1], before[2] + 1]
        assert bad_rows.failing("payment", "retry_late_refunds") == 1
    await contradiction_jobs.retry_refunds(house.runtime)
    assert await given_back() == [number + 1 for number in before]


async def answered(house: House) -> list[str]:
    """Disputes that merchants contest, and whose channel is still to be told; the references, in order of ids."""
    made = [await disputed(house, dispute_reference=f"chd_{number}") for number in range(3)]
    for dispute in made:
        await contest(house, dispute.dispute_id)
    return [dispute.dispute_id for dispute in made]


@pytest.mark.parametrize("where", ["telling", "recording"])
async def test_an_answer_that_cannot_be_told_leaves_the_others_told_and_is_told_once_it_can_be(
    house: House, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    bad_rows.retry_at_once(monkeypatch)
    made = await answered(house)

    def told_of(response: Response, *_: Any) -> bool:
        return response.dispute.dispute_id == made[1]

    def answered_by(dispute: Any, **_: Any) -> bool:
        return bool(dispute.dispute_id == made[1])

    async def pending() -> list[str]:
        sql = "SELECT dispute_id FROM dispute WHERE response_state = 'PENDING' ORDER BY dispute_id"
        return [row[0] for row in await house.runtime.read(lambda tx: tx.fetch(sql))]

    with monkeypatch.context() as planted:
        if where == "telling":
            bad_rows.break_when(planted, disputes, "to_answer", told_of)
        else:
            bad_rows.break_when(planted, domain.dispute, "answered", answered_by)
        await disputes.respond_to_disputes(house.runtime)
        assert await pending() == [made[1]]
        assert bad_rows.failing("payment", "respond_to_simulator") == 1
    await house.runtime.transaction(lambda tx: tx.run("UPDATE dispute SET due_time = now() WHERE due_time IS NOT NULL"))
    await disputes.respond_to_disputes(house.runtime)
    assert (await pending(), bad_rows.failing("payment", "respond_to_simulator")) == ([], 0)
    assert isinstance(house.channel, DisputingChannel)
    assert len(house.channel.answers) == (3 if where == "telling" else 4)  # The same answer may be told twice.
