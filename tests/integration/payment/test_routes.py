"""Payments over several channels, one of which cannot be reached."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from paykit.base.channel_routes import ChannelRoute
from paykit.base.config import ConfigurationError
from paystream.channel.v1 import channel_pb2_grpc
from paystream.common.v1.money_pb2 import Money
from paystream.payment.v1 import payment_pb2 as pb
from services.payment.commands import failover
from services.payment.domain.routing import ChannelNotAvailable
from services.payment.jobs import attempts as jobs
from services.payment.service import SERVICE
from tests.integration.payment.conftest import House, ScriptedChannel


@pytest.fixture
async def second(tmp_path: Path) -> AsyncIterator[ScriptedChannel]:
    async with served(f"unix:{tmp_path}/second.sock") as channel:
        yield channel


@pytest.fixture
async def routed(house: House, second: ScriptedChannel, tmp_path: Path) -> House:
    """Cards in dollars by either channel, wallets by the second alone."""
    first = {"address": house.runtime.settings.channel_address, "currencies": ("USD",), "methods": ("CARD",)}
    other = {"address": f"unix:{tmp_path}/second.sock"}
    route(house, {"name": "first"} | first, {"name": "second"} | other)
    second.numbers = iter(range(1_000, 2_000))
    return house


async def test_a_payment_goes_through_the_first_channel_that_takes_it(routed: House, second: ScriptedChannel) -> None:
    card = await routed.paid()
    wallet = await routed.paid(payment_method=pb.PaymentMethod(type=pb.PAYMENT_METHOD_TYPE_WALLET, token="tok"))
    yen = await routed.paid(amount=Money(amount_minor=500, currency_code="JPY"))

    assert [card.channel, wallet.channel, yen.channel] == ["first", "second", "second"]
    assert {p.state for p in (card, wallet, yen)} == {pb.PAYMENT_STATE_SUCCEEDED}
    assert (len(routed.channel.sent), len(second.sent)) == (1, 2)


async def test_a_payment_that_no_channel_takes_is_refused(house: House) -> None:
    route(house, {"name": "euro", "address": "nowhere:1", "currencies": ("EUR",)})

    with pytest.raises(ChannelNotAvailable) as refused:
        await house.create()

    assert refused.value.metadata == {"currency_code": "USD", "method": "CARD"}
    assert await house.count("payment") == 0


async def test_what_was_not_sent_moves_when_its_channel_cannot_be_reached(
    routed: House, second: ScriptedChannel, tmp_path: Path
) -> None:
    down(routed, tmp_path)
    payments = [await routed.create(), await routed.create(capture_mode=pb.CAPTURE_MODE_MANUAL)]

    await jobs.submit_attempts(routed.runtime)
    await routed.submit()

    after = [await routed.get(payment.payment_id) for payment in payments]
    assert [p.channel for p in payments] == ["first", "first"]
    assert [(p.channel, p.state) for p in after] == [
        ("second", pb.PAYMENT_STATE_SUCCEEDED),
        ("second", pb.PAYMENT_STATE_AUTHORIZED),
    ]
    assert len(second.sent) == 2
    rerouted, told = (await routed.told(payments[0].payment_id))[-2:]
    assert (rerouted.previous_channel, rerouted.channel, rerouted.aggregate_version) == ("first", "second", 2)
    assert (told.channel, told.aggregate_version) == ("second", 3)


async def test_what_follows_stays_with_its_channel(routed: House, second: ScriptedChannel, tmp_path: Path) -> None:
    payment = await routed.paid()
    address = down(routed, tmp_path)
    refund = await routed.refund(payment.payment_id, 1_000)
    await jobs.submit_attempts(routed.runtime)
    waiting = await routed.get_refund(refund.refund_id)

    route(routed, {"name": "first", "address": address})
    await routed.submit()

    assert waiting.state == pb.REFUND_STATE_CREATED
    assert (await routed.get_refund(refund.refund_id)).state == pb.REFUND_STATE_SUCCEEDED
    assert second.sent == {}


async def test_what_no_other_channel_takes_waits(house: House, second: ScriptedChannel, tmp_path: Path) -> None:
    address = str(house.runtime.settings.channel_address)
    other = {"name": "second", "address": f"unix:{tmp_path}/second.sock", "currencies": ("EUR",)}
    route(house, {"name": "first", "address": f"unix:{tmp_path}/nobody.sock"}, other)
    payment = await house.create()
    await jobs.submit_attempts(house.runtime)
    waiting = await house.get(payment.payment_id)

    route(house, {"name": "first", "address": address}, other)
    await house.submit()

    assert (waiting.channel, waiting.state) == ("first", pb.PAYMENT_STATE_CREATED)
    assert (await house.get(payment.payment_id)).state == pb.PAYMENT_STATE_SUCCEEDED
    assert second.sent == {}


async def test_what_waits_does_not_stand_before_what_can_move(
    house: House, second: ScriptedChannel, tmp_path: Path
) -> None:
    other = {"name": "second", "address": f"unix:{tmp_path}/second.sock", "currencies": ("USD",)}
    route(house, {"name": "first", "address": f"unix:{tmp_path}/nobody.sock"}, other)
    yen = Money(amount_minor=500, currency_code="JPY")
    await house.create_batch(*(house.request(amount=yen) for _ in range(failover.ATTEMPTS_MAX)))
    behind = await house.create()

    await jobs.submit_attempts(house.runtime)
    await house.submit()

    assert (await house.get(behind.payment_id)).channel == "second"
    assert len(second.sent) == 1


async def test_a_lost_answer_is_asked_for_where_it_was_sent(routed: House, second: ScriptedChannel) -> None:
    second.fate = lambda _: "lost_after"
    payment = await routed.paid(amount=Money(amount_minor=500, currency_code="JPY"))

    await routed.inquire()

    assert (payment.state, payment.channel) == (pb.PAYMENT_STATE_UNKNOWN, "second")
    assert (await routed.get(payment.payment_id)).state == pb.PAYMENT_STATE_SUCCEEDED


async def test_a_route_to_a_channel_that_only_pays_out_ends_the_start(house: House) -> None:
    bank = {"name": "bank", "adapter": "examples.acme_bank:ADAPTER", "address": "https://bank.example"}
    route(house, bank | {"settings": {"api_key": "env:HOME"}})

    with pytest.raises(ConfigurationError) as refused:
        await SERVICE.on_start(house.runtime)

    lacking = "AUTHORIZE, CAPTURE, REFUND, VOID"
    assert str(refused.value) == f"channel bank: the adapter examples.acme_bank:ADAPTER cannot {lacking}"


@pytest.mark.parametrize(
    ("routes", "lanes"),
    [(1, [[0], [0], [0]]), (2, [[0], [1], [0]]), (3, [[0], [1], [2]]), (4, [[0, 3], [1], [2]])],
)
def test_lanes_are_shared_out_among_channels(routes: int, lanes: list[list[int]]) -> None:
    served_by = [[at for at in range(routes) if jobs.serves(lane, at, routes)] for lane in range(3)]

    assert served_by == lanes


@asynccontextmanager
async def served(address: str) -> AsyncIterator[ScriptedChannel]:
    scripted = ScriptedChannel()  # type: ignore[abstract]  # Methods that payment does not call answer UNIMPLEMENTED.
    server = grpc.aio.server()
    channel_pb2_grpc.add_ChannelServiceServicer_to_server(scripted, server)
    server.add_insecure_port(address)
    await server.start()
    yield scripted
    await server.stop(None)


def route(house: House, *routes: dict[str, Any]) -> None:
    told = tuple(ChannelRoute(**each) for each in routes)
    house.runtime.settings = house.runtime.settings.model_copy(update={"channel_routes": told})


def down(house: House, tmp_path: Path) -> str | None:
    """Have the first channel answer no more; give the address where it would."""
    first, other = house.runtime.settings.channel_routes
    route(house, first.model_dump() | {"address": f"unix:{tmp_path}/nobody.sock"}, other.model_dump())
    return first.address
