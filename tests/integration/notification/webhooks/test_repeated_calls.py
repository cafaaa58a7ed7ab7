"""Calls to webhooks that create something, sent again, also when their replies are long forgotten."""

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence

import pytest
from hypothesis import given

from paystream.notification.v1 import webhook_pb2 as pb
from tests.integration.notification.webhooks.conftest import MERCHANT, Desk
from tests.integration.repeated_calls import FEW_EXAMPLES, STEPS, Repeated, Step, assert_repeats_create_nothing


async def endpoints(desk: Desk) -> Repeated:
    merchant_id = f"mer_{uuid.uuid4().hex}"

    def request(request_id: str, body: int) -> pb.CreateWebhookEndpointRequest:
        return pb.CreateWebhookEndpointRequest(
            request_id=request_id, merchant_id=merchant_id, url=f"https://shop.example/{body}"
        )

    return Repeated(
        call=desk.call.CreateWebhookEndpoint, request=request, created=lambda reply: reply.endpoint.endpoint_id
    )


REPEATED: Mapping[str, Callable[[Desk], Awaitable[Repeated]]] = {"CreateWebhookEndpoint": endpoints}


@FEW_EXAMPLES
@pytest.mark.parametrize("method", REPEATED)
@given(steps=STEPS)
async def test_a_call_sent_again_creates_nothing_however_late(desk: Desk, method: str, steps: Sequence[Step]) -> None:
    await assert_repeats_create_nothing(desk.runtime, await REPEATED[method](desk), steps)


async def test_secret_is_shown_again_to_the_same_call_for_an_hour_and_stands_nowhere(desk: Desk) -> None:
    request = pb.CreateWebhookEndpointRequest(
        request_id=str(uuid.uuid4()), merchant_id=MERCHANT, url="https://shop.example/"
    )
    created = await desk.call.CreateWebhookEndpoint(request, None)
    again = await desk.call.CreateWebhookEndpoint(request, None)
    assert created.secret == again.secret != ""
    sql = "SELECT reply FROM idempotency_claim"
    replies = await desk.runtime.read(lambda tx: tx.fetch(sql))
    assert replies
    assert not any(created.secret.encode() in row["reply"] for row in replies)
    await desk.runtime.transaction(
        lambda tx: tx.run("UPDATE webhook_secret SET create_time = create_time - interval '61 min'")
    )
    assert (await desk.call.CreateWebhookEndpoint(request, None)).secret == ""


async def test_rotation_sent_again_rotates_once_and_shows_the_same_secret(desk: Desk) -> None:
    endpoint_id = (await desk.register("https://shop.example/")).endpoint.endpoint_id
    request = pb.RotateWebhookSecretRequest(request_id=str(uuid.uuid4()), endpoint_id=endpoint_id)
    rotated = await desk.call.RotateWebhookSecret(request, None)
    assert await desk.call.RotateWebhookSecret(request, None) == rotated
    assert rotated.secret_number == 2
    assert (await desk.endpoint(endpoint_id)).secret_count == 2
