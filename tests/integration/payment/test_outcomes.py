"""Calls that wait for what becomes of payments, captures and refunds."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from prometheus_client import REGISTRY

from paykit.base.call import current_call
from paykit.errors import RequestIdReused
from paykit.serve.outcomes import awaiting
from paykit.testing import runtimes
from paykit.testing.runtimes import act_as
from paystream.common.v1.money_pb2 import Money
from paystream.payment.v1 import payment_pb2 as pb
from services.payment.jobs import attempts as jobs
from services.payment.service import SERVICE
from tests.integration.payment.conftest import House
from tests.line.waiting import until

ANY: Any = None
LONG, SHORT = Duration(seconds=30), Duration(nanos=50_000_000)
PATIENCE_S = 60.0


def looks() -> float:
    return REGISTRY.get_sample_value("paystream_grpc_outcome_looks_total") or 0.0


async def begun(house: House, count: int, *calls: Any) -> list[asyncio.Task[Any]]:
    """Begin calls that wait, and let them be accepted, so that so many attempts are queued."""
    tasks = [asyncio.create_task(call) for call in calls]
    assert await until(lambda: _are_queued(house, count))
    return tasks


async def _are_queued(house: House, count: int) -> bool:
    rows = await house.runtime.read(lambda tx: tx.fetch("SELECT count(*) FROM attempt WHERE state = 'PENDING'"))
    return int(rows[0][0]) >= count


async def test_a_payment_is_answered_with_its_outcome(house: House) -> None:
    [call] = await begun(house, 1, house.create(wait_for=LONG))
    await house.submit()
    async with asyncio.timeout(PATIENCE_S):
        paid = await call
    assert (paid.state, paid.captured_minor) == (pb.PAYMENT_STATE_SUCCEEDED, 10_000)


async def test_a_declined_payment_is_an_outcome_and_a_lost_answer_is_none(house: House) -> None:
    house.channel.fate = lambda request: "decline" if request.amount.amount_minor == 1 else "lost_after"
    amounts = [Money(amount_minor=minor, currency_code="USD") for minor in (1, 2)]
    declined, lost = await begun(
        house,
        2,
        house.create(wait_for=LONG, amount=amounts[0]),
        house.create(wait_for=LONG, amount=amounts[1]),
    )
    await house.submit()
    async with asyncio.timeout(PATIENCE_S):
        assert (await declined).state == pb.PAYMENT_STATE_FAILED
        assert not lost.done()
        await house.inquire()  # The channel has carried it out, and says so now.
        assert (await lost).state == pb.PAYMENT_STATE_SUCCEEDED


async def test_when_the_time_is_over_the_payment_is_answered_as_it_is(house: House) -> None:
    assert (await house.create(wait_for=SHORT)).state == pb.PAYMENT_STATE_CREATED


async def test_a_repeated_call_waits_too_and_is_answered_with_what_there_is_now(house: House) -> None:
    request = house.request(wait_for=SHORT)
    first = (await house.call.CreatePayment(request, ANY)).payment
    await house.submit()
    request.wait_for.CopyFrom(LONG)  # How long it waits is no part of what is asked.
    async with asyncio.timeout(PATIENCE_S):
        again = (await house.call.CreatePayment(request, ANY)).payment
    assert (again.payment_id, again.state) == (first.payment_id, pb.PAYMENT_STATE_SUCCEEDED)
    assert ("paystream-replayed", "true") in current_call().trailers
    request.ClearField("wait_for")
    assert (await house.call.CreatePayment(request, ANY)).payment == first
    request.amount.amount_minor = 1
    with pytest.raises(RequestIdReused):
        await house.call.CreatePayment(request, ANY)


async def test_captures_and_refunds_are_answered_with_their_outcomes(house: House) -> None:
    payment = await house.authorized()
    [capture] = await begun(house, 1, house.capture(payment.payment_id, 4_000, wait_for=LONG))
    read = asyncio.create_task(
        house.call.GetPayment(pb.GetPaymentRequest(payment_id=payment.payment_id, wait_for=LONG), ANY)
    )
    await house.submit()
    async with asyncio.timeout(PATIENCE_S):
        assert (await capture).state == pb.CAPTURE_STATE_SUCCEEDED
        assert [each.state for each in (await read).captures] == [pb.CAPTURE_STATE_SUCCEEDED]

    [refund] = await begun(house, 1, house.refund(payment.payment_id, 1_000, wait_for=LONG))
    await house.submit()
    async with asyncio.timeout(PATIENCE_S):
        back = await refund
        got = await house.call.GetRefund(pb.GetRefundRequest(refund_id=back.refund_id, wait_for=LONG), ANY)
    assert back.state == got.refund.state == pb.REFUND_STATE_SUCCEEDED


async def test_a_capture_that_fails_is_an_outcome(house: House) -> None:
    payment = await house.authorized()
    house.channel.fate = lambda _request: "decline"
    [capture] = await begun(house, 1, house.capture(payment.payment_id, 4_000, wait_for=LONG))
    await house.submit()
    async with asyncio.timeout(PATIENCE_S):
        assert (await capture).state == pb.CAPTURE_STATE_FAILED


async def test_waiting_costs_no_more_transactions_than_there_are_outcomes(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(awaiting, "IDLE_S", 1_000.0)
    before = looks()
    calls = await begun(house, 60, *(house.create(wait_for=LONG) for _ in range(60)))
    assert looks() == before
    await house.submit()
    async with asyncio.timeout(PATIENCE_S):
        answers = await asyncio.gather(*calls)
    assert {answer.state for answer in answers} == {pb.PAYMENT_STATE_SUCCEEDED}
    # The channel is asked for hundreds at a time, and what it answers is one transaction.
    assert 1 <= looks() - before <= len(house.channel.batches)


@pytest.fixture
async def elsewhere(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    """A second process of the service, and what carries signals between the two."""
    monkeypatch.setattr(awaiting, "IDLE_S", 1_000.0)
    async with runtimes.runtime(SERVICE, _url(house), cache_dir=tmp_path) as runtime:
        runtime.settings = house.runtime.settings
        carrying = [asyncio.create_task(each.wakeups.run()) for each in (house.runtime, runtime)]
        yield runtime
        for task in carrying:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*carrying)


def _url(house: House) -> str:
    return house.runtime.settings.database_url.get_secret_value()


async def test_an_outcome_in_another_process_wakes_those_who_wait(house: House, elsewhere: Any) -> None:
    act_as("shop")
    [call] = await begun(house, 1, house.create(wait_for=LONG))
    await asyncio.sleep(0.5)  # Until both listen.
    while await jobs.submit_attempts(elsewhere):
        pass
    async with asyncio.timeout(PATIENCE_S / 3):
        assert (await call).state == pb.PAYMENT_STATE_SUCCEEDED


async def test_an_action_found_in_another_process_wakes_those_who_wait(house: House, elsewhere: Any) -> None:
    act_as("shop")
    house.channel.fate = lambda _request: "act"
    [call] = await begun(house, 1, house.create(wait_for=LONG))
    await asyncio.sleep(0.5)  # Until both listen.
    while await jobs.submit_attempts(elsewhere):
        pass
    async with asyncio.timeout(PATIENCE_S / 3):
        assert (await call).HasField("next_action")


async def test_two_processes_call_off_what_a_payer_did_not_do_once(house: House, elsewhere: Any) -> None:
    house.channel.fate = lambda request: "act" if hasattr(request, "method_token") else "approve"
    made = [await house.paid() for _ in range(3)]
    over = "UPDATE payment SET action_expire_time = create_time"
    await house.runtime.transaction(lambda tx: tx.run(over))

    await asyncio.gather(*(jobs.expire_actions(runtime) for runtime in (house.runtime, elsewhere) for _ in range(2)))
    await asyncio.gather(*(jobs.submit_attempts(runtime) for runtime in (house.runtime, elsewhere)))

    for payment in made:
        assert (await house.get(payment.payment_id)).failure_reason == "ACTION_EXPIRED"
        assert len(await house.attempts(payment.payment_id)) == 2


async def test_a_batch_waits_for_nothing(house: House) -> None:
    [result] = await house.create_batch(house.request(request_id=str(uuid.uuid4()), wait_for=LONG))
    assert result.payment.state == pb.PAYMENT_STATE_CREATED
