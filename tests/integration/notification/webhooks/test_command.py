"""`paystream webhooks`, against a real service and its jobs."""

import asyncio
import contextlib
import json
import re
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from threading import Thread

import pytest

from paykit.serve import server as grpc_server
from paykit.serve.edge import EdgeOptions
from paykit.serve.server import ServerOptions
from paytools.webhook_receiver import ReceivedWebhook, WebhookListener
from services.notification.domain.webhooks import signing
from services.notification.rpc.webhook import servicer
from tests.integration.notification.webhooks.conftest import MERCHANT, Desk

SECRET = signing.derive_secret(b"k" * 32, "whe_1", 1)
BODY = b'{"type":"order.OrderPaid","timestamp":"2026-03-01T12:00:00.000000Z","data":{}}'


@pytest.fixture
async def address(desk: Desk) -> AsyncIterator[str]:
    """The service at an address, with its jobs running."""
    edge = EdgeOptions(calls_max=100, deadline_default_s=10.0, reply_bytes_max=4_000_000)
    options = ServerOptions(address="localhost:0", port_shared=False, message_bytes_max=4_000_000, edge=edge)
    server = await grpc_server.start([servicer(desk.runtime)], options)

    async def deliver() -> None:
        while True:
            await desk.deliver()
            await asyncio.sleep(0.05)

    delivering = asyncio.create_task(deliver())
    yield server.address
    delivering.cancel()
    await asyncio.gather(delivering, return_exceptions=True)
    await server.stop(0)


async def paystream(*arguments: str) -> tuple[int, str, str]:
    command = [sys.executable, "-m", "paytools.cli.main", "webhooks", *arguments]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe)
    out, err = await asyncio.wait_for(process.communicate(), 180)
    return process.returncode or 0, out.decode(), err.decode()


async def test_listener_registers_itself_verifies_what_comes_and_takes_itself_out(desk: Desk, address: str) -> None:
    arguments = ("--port", "0", "--merchant", MERCHANT, "--events", "order.*", "--count", "1", "--seconds", "150")
    listening = asyncio.create_task(paystream("listen", *arguments, "--address", address))
    async with asyncio.timeout(120):
        listed: list[str] = []
        while not listed:
            _, out, _ = await paystream("list", MERCHANT, "--address", address)
            listed = out.splitlines()[1:]
    assert "ENABLED" in listed[0]
    (event_id,) = await desk.happen(desk.cancelled())
    status, out, err = await listening
    assert (status, out.split()) == (0, [event_id, "2026-03-01T12:00:00.000000Z", "order.OrderCancelled"]), err
    assert (await paystream("list", MERCHANT, "--address", address))[1].splitlines()[1:] == []
    _, out, _ = await paystream("deliveries", "--merchant", MERCHANT, "--address", address)
    assert re.search(rf"whd_\w+  {event_id}  order.OrderCancelled  SUCCEEDED  1", out)


async def test_replay_says_how_many_and_a_refusal_ends_with_one(desk: Desk, address: str) -> None:
    endpoint_id = (await desk.register("http://127.0.0.1:1024/")).endpoint.endpoint_id
    (event_id,) = await desk.happen(desk.cancelled())
    status, out, _ = await paystream("replay", endpoint_id, "--event", event_id, "--address", address)
    assert (status, out) == (0, "1 events are delivered once more.\n")
    period = ("--since", "2026-03-01", "--until", "2026-03-02")
    status, out, _ = await paystream("replay", endpoint_id, *period, "--address", address)
    assert (status, out) == (0, "1 events are delivered once more.\n")
    status, _, err = await paystream("replay", "whe_" + "0" * 32, "--event", event_id, "--address", address)
    assert (status, err.splitlines()[0].split(":")[1]) == (1, " NOT_FOUND WEBHOOK_ENDPOINT_NOT_FOUND")


@contextlib.contextmanager
def listener(received: list[ReceivedWebhook], refused: list[str]) -> Iterator[WebhookListener]:
    made = WebhookListener(0, on_received=received.append, on_refused=refused.append)
    made.secrets = (SECRET,)
    serving = Thread(target=made.serve)
    serving.start()
    yield made
    made.stop()
    serving.join()


def test_listener_refuses_what_is_not_signed_and_knows_an_id_again() -> None:
    received: list[ReceivedWebhook] = []
    refused: list[str] = []
    headers = signing.headers([SECRET], message_id="evt_1", timestamp_s=int(time.time()), body=BODY)
    with listener(received, refused) as made:
        for _ in range(2):
            request = urllib.request.Request(made.url, data=BODY, headers=headers)  # noqa: S310 - http, as written
            assert urllib.request.urlopen(request).status == 204  # noqa: S310
        assert made.answer(headers, BODY + b" ") == 400
        assert made.answer({}, BODY) == 400
    assert [message.seen_before for message in received] == [False, True]
    assert received[0].event_type == json.loads(BODY)["type"]
    assert refused == ["no signature fits", "webhook-timestamp is no number"]
