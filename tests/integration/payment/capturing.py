"""What tests of captures do beside calling the service."""

from datetime import timedelta
from typing import Any

from paykit.clock import ManualClock
from paystream.channel.v1 import channel_pb2 as channel_pb
from paystream.payment.v1 import payment_pb2 as pb
from services.payment import store
from services.payment.jobs import attempts as jobs
from tests.integration.payment.conftest import House


async def claim_one(house: House) -> Any:
    """Take one attempt for sending, as the job does."""
    return await house.runtime.transaction(
        lambda tx: store.attempts.claim_pending(tx, channel="simulator", limit=1, lease_s=30)
    )


def settle_record(house: House, found: str) -> None:
    """Decide what the channel has not decided yet, as the last call's outcome."""
    if found == "decline":
        house.channel.decide(next(reversed(house.channel.record)), channel_pb.OUTCOME_DECLINED, "do_not_honor")


def advance(house: House, by: timedelta) -> None:
    clock = house.runtime.clock
    assert isinstance(clock, ManualClock)
    clock.advance(by)


async def expire(house: House) -> Any:
    """Run the job; give the reason why the only payment is given up."""
    while await jobs.expire_authorizations(house.runtime):
        pass
    page = await house.call.ListPayments(pb.ListPaymentsRequest(merchant_id=house.merchant_id), None)
    return page.payments[0].cancel_reason


async def attempt_of(house: House, payment_id: str, action: Any) -> pb.Attempt:
    [attempt] = [each for each in await house.attempts(payment_id) if each.action == action]
    return attempt
