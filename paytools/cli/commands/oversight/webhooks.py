"""`paystream webhooks`: endpoints and deliveries, replays, and a receiver to try them with."""

import threading
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import grpc
import typer

from paystream.notification.v1 import webhook_pb2 as pb
from paystream.notification.v1.webhook_pb2_grpc import WebhookServiceStub
from paytools.cli import addresses, table
from paytools.cli.commands.call import refusal_lines, wait_for
from paytools.webhook_receiver import ReceivedWebhook, WebhookListener

CALL_S_MAX = 10.0
PAGE_SIZE = 200
PORT = 8900

Where = Annotated[str | None, typer.Option("--address", "-a", help="host:port or unix:/path; else the local stack's.")]
EndpointId = Annotated[str, typer.Argument(help="whe_ and 32 hexadecimal digits.")]
Limit = Annotated[int, typer.Option(help="Rows to show.", min=1, max=10_000)]

app = typer.Typer(help="Look after webhooks.", no_args_is_help=True)


@app.command(name="list")
def list_(
    merchant: Annotated[str, typer.Argument(help="mer_ and 32 hexadecimal digits.")],
    *,
    address: Where = None,
    home: addresses.Home = addresses.DEFAULT_HOME,
) -> None:
    """Show a merchant's endpoints, the newest first."""
    with _service(address, home) as service:
        request = pb.ListWebhookEndpointsRequest(merchant_id=merchant, page_size=PAGE_SIZE)
        found = service.ListWebhookEndpoints(request, timeout=CALL_S_MAX).endpoints
    rows = [
        (one.endpoint_id, _name(pb.WebhookEndpointState, one.state), str(one.failure_count), _filters(one), one.url)
        for one in found
    ]
    table.echo(("endpoint", "state", "failures", "events", "url"), rows)


@app.command()
def deliveries(
    *,
    merchant: Annotated[str, typer.Option(help="Of this merchant only.")] = "",
    endpoint: Annotated[str, typer.Option(help="To this endpoint only.")] = "",
    limit: Limit = 50,
    address: Where = None,
    home: addresses.Home = addresses.DEFAULT_HOME,
) -> None:
    """Show deliveries, the newest first."""
    with _service(address, home) as service:
        found = list(_deliveries(service, merchant=merchant, endpoint=endpoint, limit=limit))
    rows = [
        (
            one.delivery_id,
            one.event_id,
            one.event_type,
            _name(pb.WebhookDeliveryState, one.state),
            str(one.attempt_count),
            one.failure_reason,
        )
        for one in found
    ]
    table.echo(("delivery", "event", "type", "state", "tries", "reason"), rows)


@app.command()
def replay(
    endpoint_id: EndpointId,
    *,
    event: Annotated[str, typer.Option(help="This event: evt_ and 32 hexadecimal digits.")] = "",
    since: Annotated[datetime | None, typer.Option(help="Events taken in from then on, UTC.")] = None,
    until: Annotated[datetime | None, typer.Option(help="Events taken in before then, UTC.")] = None,
    address: Where = None,
    home: addresses.Home = addresses.DEFAULT_HOME,
) -> None:
    """Deliver an event, or those of a time range, once more."""
    if bool(event) == (since is not None and until is not None):
        raise typer.BadParameter("give --event, or --since and --until")
    with _service(address, home) as service:
        replayed = _replay(
            service, pb.ReplayWebhookEventsRequest(endpoint_id=endpoint_id, event_id=event), since, until
        )
    typer.echo(f"{replayed} events are delivered once more.")


@app.command()
def listen(
    *,
    port: Annotated[int, typer.Option(help="On this machine; 0 for a free one.", min=0, max=65_535)] = PORT,
    secret: Annotated[list[str] | None, typer.Option(help="whsec_...; several during a rotation.")] = None,
    merchant: Annotated[str, typer.Option(help="Register for this merchant, and delete that at the end.")] = "",
    events: Annotated[list[str] | None, typer.Option(help="With --merchant: which events, as in order.*")] = None,
    count: Annotated[int, typer.Option(help="End after so many; 0 for never.", min=0)] = 0,
    seconds: Annotated[float, typer.Option(help="End after so long, with 1 if messages are missing.", min=0)] = 0,
    address: Where = None,
    home: addresses.Home = addresses.DEFAULT_HOME,
) -> None:
    """Receive webhooks on this machine, verify them, and print them."""
    if bool(secret) == bool(merchant):
        raise typer.BadParameter("give --secret, or --merchant")
    received, enough = [0], threading.Event()

    def show(message: ReceivedWebhook) -> None:
        typer.echo(f"{message.message_id}  {message.timestamp}  {message.event_type}" + "  again" * message.seen_before)
        received[0] += 1
        if count and received[0] >= count:
            enough.set()

    listener = WebhookListener(port, on_received=show, on_refused=lambda why: typer.echo(f"refused: {why}", err=True))
    listener.secrets = secret or ()
    serving = threading.Thread(target=listener.serve, daemon=True)
    serving.start()
    try:
        if merchant:
            with _registered(listener, merchant, events or [], address, home):
                enough.wait(seconds or None)
        else:
            typer.echo(f"listening at {listener.url}", err=True)
            enough.wait(seconds or None)
    finally:
        listener.stop()
    if count and received[0] < count:
        addresses.fail(f"{received[0]} of {count} messages came")


@contextmanager
def _registered(
    listener: WebhookListener, merchant: str, events: list[str], address: str | None, home: Path
) -> Iterator[None]:
    """Register the listener for the time of the block."""
    with _service(address, home) as service:
        request = pb.CreateWebhookEndpointRequest(
            request_id=str(uuid.uuid4()),
            merchant_id=merchant,
            url=listener.url,
            event_filters=events,
            description="paystream webhooks listen",
        )
        created = service.CreateWebhookEndpoint(request, timeout=CALL_S_MAX)
        listener.secrets = (created.secret,)
        endpoint_id = created.endpoint.endpoint_id
        typer.echo(f"listening at {listener.url} as {endpoint_id}", err=True)
        try:
            yield
        finally:
            service.DeleteWebhookEndpoint(
                pb.DeleteWebhookEndpointRequest(request_id=str(uuid.uuid4()), endpoint_id=endpoint_id),
                timeout=CALL_S_MAX,
            )


def _deliveries(service: Any, *, merchant: str, endpoint: str, limit: int) -> Iterator[pb.WebhookDelivery]:
    token, left = "", limit
    while left > 0:
        request = pb.ListWebhookDeliveriesRequest(
            merchant_id=merchant, endpoint_id=endpoint, page_size=min(left, PAGE_SIZE), page_token=token
        )
        page = service.ListWebhookDeliveries(request, timeout=CALL_S_MAX)
        yield from page.deliveries
        token, left = page.next_page_token, left - len(page.deliveries)
        if not token:
            return


def _replay(
    service: Any, request: pb.ReplayWebhookEventsRequest, since: datetime | None, until: datetime | None
) -> int:
    """Replay page after page, and return how many events there were."""
    if since is not None and until is not None:
        request.record_time_min.FromDatetime(since)
        request.record_time_before.FromDatetime(until)
    replayed: int = 0
    while True:
        request.request_id = str(uuid.uuid4())
        reply: pb.ReplayWebhookEventsResponse = service.ReplayWebhookEvents(request, timeout=CALL_S_MAX)
        replayed += reply.replayed_count
        request.page_token = reply.next_page_token
        if not reply.next_page_token:
            return replayed


@contextmanager
def _service(address: str | None, home: Path) -> Iterator[Any]:
    """Reach the service; a refused call ends the command with what was refused."""
    local = address or addresses.services(home).get("notification")
    where = local or addresses.fail("the local stack has no notification service")
    with closing(grpc.insecure_channel(where)) as channel:
        wait_for(channel, where)
        try:
            yield WebhookServiceStub(channel)
        except grpc.RpcError as error:
            for line in refusal_lines(error):
                typer.echo(line, err=True)
            raise typer.Exit(addresses.EXIT_FAILED) from error


def _filters(endpoint: pb.WebhookEndpoint) -> str:
    return " ".join(endpoint.event_filters) or "*"


def _name(enum: Any, state: int) -> str:
    return str(enum.Name(state)).rpartition("STATE_")[2]
