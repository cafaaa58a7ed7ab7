"""Calls to channels: when an attempt may still be sent, and where callbacks can go."""

import time
from collections.abc import Sequence

import pytest
from pydantic import SecretStr

from paykit.base.channel_routes import ChannelAccess
from paykit.base.config import Settings
from paykit.channels import calls as channel_calls
from paykit.channels import registry
from paykit.channels.attempts import Evidence, EvidenceOutcome
from paykit.channels.channel import Channel
from paykit.channels.requests import Inquiry, PayoutRequest, response

REQUEST = PayoutRequest(
    attempt_id="att_1",
    merchant_id="mer_1",
    amount_minor=1,
    currency_code="USD",
    correlation_id="cor_1",
    destination_token="tok_1",
)


class Approving(Channel):
    """A bank that approves everything."""

    async def pay_out(self, requests: Sequence[PayoutRequest]) -> list[Evidence]:
        return [response(request, EvidenceOutcome.SUCCEEDED, reference="bank_1") for request in requests]

    async def inquire(self, inquiries: Sequence[Inquiry]) -> list[Evidence]:
        raise NotImplementedError


@pytest.mark.parametrize(("age_s", "sent"), [(0.0, 1), (1.5, 1), (2.1, 0), (60.0, 0)])
async def test_what_was_claimed_too_long_ago_is_not_sent(age_s: float, sent: int) -> None:
    told = await channel_calls.send_in_time(Approving(), [REQUEST], time.monotonic() - age_s)
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
    async with registry.connect(ChannelAccess(address=None)) as channel:
        assert channel is None
