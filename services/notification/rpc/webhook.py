"""The WebhookService: messages to commands and back."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from paykit.serve.idempotency import Creates
from paykit.serve.listing import newest_page
from paykit.serve.operations import Operation
from paykit.serve.server import Servicer
from paystream.notification.v1 import webhook_pb2 as pb
from paystream.notification.v1 import webhook_pb2_grpc
from services.notification import commands, store
from services.notification.commands.webhooks import platform
from services.notification.commands.webhooks.delivery import DELIVERING_JOBS
from services.notification.commands.webhooks.endpoint import CreateWebhookEndpoint, DeleteWebhookEndpoint
from services.notification.commands.webhooks.replay import SendTestWebhook
from services.notification.domain import webhooks
from services.notification.domain.webhooks.addresses import AddressPolicy
from services.notification.domain.webhooks.delivery import WebhookAttempt, WebhookDelivery
from services.notification.domain.webhooks.endpoint import WebhookEndpoint
from services.notification.messages import webhook as messages

SECRET_SHOWN = timedelta(hours=1)
"""How long after its making a secret is shown to the call that asked for it, sent again."""

_CREATE = Operation(
    name="CreateWebhookEndpoint",
    command=commands.webhooks.endpoint.create_endpoints,
    # Replies are kept for a day: the secret is put into them afterwards.
    reply=lambda endpoint: pb.CreateWebhookEndpointResponse(endpoint=messages.to_endpoint(endpoint), secret_number=1),
    reply_type=pb.CreateWebhookEndpointResponse,
    creates=Creates(table=store.webhooks.endpoints, read=store.webhooks.endpoints.by_key),
)
_UPDATE = Operation(
    name="UpdateWebhookEndpoint",
    command=commands.webhooks.endpoint.update_endpoints,
    reply=lambda endpoint: pb.UpdateWebhookEndpointResponse(endpoint=messages.to_endpoint(endpoint)),
    reply_type=pb.UpdateWebhookEndpointResponse,
    wakes=DELIVERING_JOBS,
)
_DELETE = Operation(
    name="DeleteWebhookEndpoint",
    command=commands.webhooks.endpoint.delete_endpoints,
    reply=lambda endpoint: pb.DeleteWebhookEndpointResponse(endpoint=messages.to_endpoint(endpoint)),
    reply_type=pb.DeleteWebhookEndpointResponse,
)
_ROTATE = Operation(
    name="RotateWebhookSecret",
    command=commands.webhooks.endpoint.rotate_secrets,
    reply=messages.to_rotated,
    reply_type=pb.RotateWebhookSecretResponse,
)
_REPLAY = Operation(
    name="ReplayWebhookEvents",
    command=commands.webhooks.replay.replay_events,
    reply=messages.to_replayed,
    reply_type=pb.ReplayWebhookEventsResponse,
    wakes=DELIVERING_JOBS,
)
_TEST = Operation(
    name="SendTestWebhook",
    command=commands.webhooks.replay.send_tests,
    reply=lambda delivery: pb.SendTestWebhookResponse(delivery=messages.to_delivery(delivery)),
    reply_type=pb.SendTestWebhookResponse,
    wakes=DELIVERING_JOBS,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _DeliveryInFull:
    delivery: WebhookDelivery
    body: str
    attempts: list[WebhookAttempt]


class WebhookServicer(webhook_pb2_grpc.WebhookServiceServicer):
    """Serves paystream.notification.v1.WebhookService; the contract stands in its proto."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    @property
    def _policy(self) -> AddressPolicy:
        return platform.policy_of(self._runtime.settings)

    @property
    def _key(self) -> bytes | None:
        return platform.key_of(self._runtime.settings)

    @property
    def _fingerprint(self) -> str | None:
        return webhooks.signing.fingerprint(self._key) if self._key else None

    async def CreateWebhookEndpoint(
        self, request: pb.CreateWebhookEndpointRequest, _context: Any
    ) -> pb.CreateWebhookEndpointResponse:
        """Register an endpoint, once per request_id."""
        item = CreateWebhookEndpoint(
            merchant_id=request.merchant_id,
            url=request.url,
            event_filters=tuple(request.event_filters),
            description=request.description,
            policy=self._policy,
            key_fingerprint=self._fingerprint,
        )
        reply = await self._runtime.call(_CREATE, request, item)
        reply.secret = await self._secret(reply.endpoint.endpoint_id, reply.secret_number)
        return reply

    async def GetWebhookEndpoint(
        self, request: pb.GetWebhookEndpointRequest, _context: Any
    ) -> pb.GetWebhookEndpointResponse:
        """Read an endpoint."""
        endpoint = await self._runtime.read(lambda tx: _endpoint(tx, request.endpoint_id))
        return pb.GetWebhookEndpointResponse(endpoint=messages.to_endpoint(endpoint))

    async def ListWebhookEndpoints(
        self, request: pb.ListWebhookEndpointsRequest, _context: Any
    ) -> pb.ListWebhookEndpointsResponse:
        """Read a page of a merchant's endpoints."""
        page, token = await newest_page(
            self._runtime,
            request,
            store.webhooks.endpoints.list,
            wanted=messages.from_list_endpoints(request),
            key=lambda endpoint: (endpoint.create_time, endpoint.endpoint_id),
            show=messages.to_endpoint,
        )
        return pb.ListWebhookEndpointsResponse(endpoints=page, next_page_token=token)

    async def UpdateWebhookEndpoint(
        self, request: pb.UpdateWebhookEndpointRequest, _context: Any
    ) -> pb.UpdateWebhookEndpointResponse:
        """Change an endpoint."""
        return await self._runtime.call(_UPDATE, request, messages.from_update(request, self._policy))

    async def DeleteWebhookEndpoint(
        self, request: pb.DeleteWebhookEndpointRequest, _context: Any
    ) -> pb.DeleteWebhookEndpointResponse:
        """End an endpoint."""
        item = DeleteWebhookEndpoint(endpoint_id=request.endpoint_id, etag=request.etag)
        return await self._runtime.call(_DELETE, request, item)

    async def RotateWebhookSecret(
        self, request: pb.RotateWebhookSecretRequest, _context: Any
    ) -> pb.RotateWebhookSecretResponse:
        """Give an endpoint another secret, once per request_id."""
        item = messages.from_rotate(request, self._fingerprint)
        reply = await self._runtime.call(_ROTATE, request, item)
        reply.secret = await self._secret(reply.endpoint.endpoint_id, reply.secret_number)
        return reply

    async def ListWebhookDeliveries(
        self, request: pb.ListWebhookDeliveriesRequest, _context: Any
    ) -> pb.ListWebhookDeliveriesResponse:
        """Read a page of deliveries."""
        page, token = await newest_page(
            self._runtime,
            request,
            store.webhooks.deliveries.list,
            wanted=messages.from_list_deliveries(request),
            key=lambda delivery: (delivery.create_time, delivery.delivery_id),
            show=messages.to_delivery,
        )
        return pb.ListWebhookDeliveriesResponse(deliveries=page, next_page_token=token)

    async def GetWebhookDelivery(
        self, request: pb.GetWebhookDeliveryRequest, _context: Any
    ) -> pb.GetWebhookDeliveryResponse:
        """Read a delivery with its body and tries."""
        found = await self._runtime.read(lambda tx: _delivery(tx, request.delivery_id))
        return pb.GetWebhookDeliveryResponse(
            delivery=messages.to_delivery(found.delivery),
            body=found.body,
            attempts=map(messages.to_attempt, found.attempts),
        )

    async def ReplayWebhookEvents(
        self, request: pb.ReplayWebhookEventsRequest, _context: Any
    ) -> pb.ReplayWebhookEventsResponse:
        """Deliver events once more, once per request_id."""
        return await self._runtime.call(_REPLAY, request, messages.from_replay(request))

    async def SendTestWebhook(self, request: pb.SendTestWebhookRequest, _context: Any) -> pb.SendTestWebhookResponse:
        """Deliver a test, once per request_id."""
        return await self._runtime.call(_TEST, request, SendTestWebhook(endpoint_id=request.endpoint_id))

    async def _secret(self, endpoint_id: str, number: int) -> str:
        """Derive the secret that a call has just made; empty where that is too long ago."""
        made, real_now = await self._runtime.read(lambda tx: _made(tx, (endpoint_id, number)))
        key = self._key
        if made is None or key is None or made.key_fingerprint != self._fingerprint:
            return ""
        recent = real_now - made.create_time <= SECRET_SHOWN
        return webhooks.signing.derive_secret(key, endpoint_id, number) if recent else ""


def servicer(runtime: Runtime) -> Servicer:
    """Return the servicer of webhooks."""
    return Servicer(
        full_name="paystream.notification.v1.WebhookService",
        add=webhook_pb2_grpc.add_WebhookServiceServicer_to_server,
        implementation=WebhookServicer(runtime),
    )


async def _made(tx: Tx, key: tuple[str, int]) -> Any:
    return await store.webhooks.secrets.get(tx, key), await store.real_time(tx)


async def _endpoint(tx: Tx, endpoint_id: str) -> WebhookEndpoint:
    endpoint = await store.webhooks.endpoints.get(tx, endpoint_id)
    if endpoint is None:
        raise webhooks.endpoint.not_found(endpoint_id)
    return endpoint


async def _delivery(tx: Tx, delivery_id: str) -> _DeliveryInFull:
    delivery = await store.webhooks.deliveries.get(tx, delivery_id)
    if delivery is None:
        raise webhooks.delivery.not_found(delivery_id)
    event = await store.webhooks.events.get(tx, delivery.event_id)
    return _DeliveryInFull(
        delivery=delivery,
        body=event.body if event else "",
        attempts=await store.webhooks.attempts_of(tx, delivery_id),
    )
