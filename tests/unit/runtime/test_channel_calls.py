"""Calls to channels: when an attempt may still be sent, and where callbacks can go."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr

from paykit.base.config import Settings
from paykit.channels import calls as channel_calls
from paykit.channels import simulator
from paykit.channels.attempts import Attempt, Claimed, Evidence, EvidenceOutcome, Source

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CLAIMED = Claimed(
    attempt=Attempt(
        attempt_id="att_1",
        action="PAY",
        channel="simulator",
        amount_minor=1,
        currency_code="USD",
        create_time=NOON,
        update_time=NOON,
    ),
    merchant_id="mer_1",
    correlation_id="cor_1",
)


class Approving:
    """A channel that approves everything."""

    async def send(self, claimed: Sequence[Claimed[Any]]) -> list[Evidence]:
        return [
            Evidence(attempt_id=c.attempt.attempt_id, source=Source.RESPONSE, outcome=EvidenceOutcome.SUCCEEDED)
            for c in claimed
        ]

    async def inquire(self, claimed: Sequence[Claimed[Any]]) -> list[Evidence]:
        return await self.send(claimed)


@pytest.mark.parametrize(("age_s", "sent"), [(0.0, 1), (1.5, 1), (2.1, 0), (60.0, 0)])
async def test_what_was_claimed_too_long_ago_is_not_sent(age_s: float, sent: int) -> None:
    told = await channel_calls.send_in_time(Approving(), [CLAIMED], time.monotonic() - age_s)
    assert len(told) == sent


def test_a_lease_outlasts_the_wait_the_call_and_the_writing() -> None:
    assert (channel_calls.SEND_LEASE_S, channel_calls.INQUIRY_LEASE_S) == (30.0, 15.0)


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("payment.example:50051", "payment.example:50051"),
        ("127.0.0.1:50051", "127.0.0.1:50051"),
        ("0.0.0.0:50051", ""),
        ("[::]:50051", ""),
        ("127.0.0.1:0", ""),
        ("unix:/run/payment.sock", ""),
    ],
)
def test_callbacks_are_asked_for_where_others_can_reach(address: str, told: str) -> None:
    settings = Settings(database_url=SecretStr("postgresql://x/y"), grpc_address=address)
    assert channel_calls.callback_address(settings) == told


async def test_without_an_address_there_is_no_channel() -> None:
    orders: dict[str, simulator.Order[Claimed[Attempt]]] = {}
    async with simulator.connect(None, orders) as channel:
        assert channel is None
