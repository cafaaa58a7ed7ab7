"""A small service for the runtime's own tests: it writes down what it sees, and misbehaves when an event says so."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from google.protobuf.wrappers_pb2 import StringValue

from paykit.cause import Cause
from paykit.consume.delivery import Delivered, Handle, HandlerResult, Impossible, NotYet, Subscription
from paykit.errors import DomainError, Kind
from paykit.events import classes as catalogue
from paykit.events.event import Event
from paykit.ids import new_id
from paykit.postgres.database import Tx
from paykit.process.service import Service
from paykit.serve.operations import Operation
from paystream.payment.v1 import events

MIGRATIONS = Path(__file__).parent / "integration/runtime/probe_migrations"
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CAUSE = Cause("cor_probe", None, "tester", None)

REFUSED_MINOR = 13
"""A payment of this amount is refused for good."""
CRASHING_MINOR = 666
"""A payment of this amount makes the handler fail unexpectedly."""
NAMES_LENGTH_MAX = 10


class Unlucky(DomainError):
    """The amount is thirteen."""

    kind = Kind.FAILED_PRECONDITION
    reason = "UNLUCKY"


class NameTooLong(DomainError):
    """A counter's name is too long."""

    kind = Kind.INVALID_ARGUMENT
    reason = "NAME_TOO_LONG"


def payment_created(payment_id: str, *, amount_minor: int = 100, version: int = 1) -> events.PaymentCreated:
    return events.PaymentCreated(
        capture_mode=events.CaptureMode.AUTOMATIC,
        country_code=None,
        brand=None,
        funding=None,
        issuer_country_code=None,
        occurred_at=NOON,
        merchant_id="mer_1",
        aggregate_version=version,
        payment_id=payment_id,
        order_id=None,
        merchant_reference="order 1",
        amount_minor=amount_minor,
        currency_code="USD",
        method=events.PaymentMethod.CARD,
        channel="simulator",
    )


def payment_failed(payment_id: str, *, version: int = 2) -> events.PaymentFailed:
    return events.PaymentFailed(
        attempt_id=None,
        attempt_count=1,
        created_at=None,
        occurred_at=NOON,
        merchant_id="mer_1",
        aggregate_version=version,
        payment_id=payment_id,
        order_id=None,
        merchant_reference="order 1",
        amount_minor=100,
        currency_code="USD",
        method=events.PaymentMethod.CARD,
        channel="simulator",
        channel_reference=None,
        reason=events.FailureReason.DECLINED,
        failure_code=None,
    )


async def on_payment_created(tx: Tx, deliveries: Sequence[Delivered[events.PaymentCreated]]) -> list[HandlerResult]:
    outcomes: list[HandlerResult] = []
    for delivery in deliveries:
        if delivery.event.amount_minor == CRASHING_MINOR:
            raise RuntimeError("crashed on purpose")
        if delivery.event.amount_minor == REFUSED_MINOR:
            outcomes.append(Impossible(Unlucky("thirteen")))
            continue
        await _see(tx, delivery)
        outcomes.append(None)
    return outcomes


async def on_payment_failed(tx: Tx, deliveries: Sequence[Delivered[events.PaymentFailed]]) -> list[HandlerResult]:
    """Apply a failure only after a creation, wherever that came from."""
    outcomes: list[HandlerResult] = []
    for delivery in deliveries:
        known = await tx.fetch(
            "SELECT FROM seen WHERE key = $1 AND record LIKE '%PaymentCreated'", delivery.event.payment_id
        )
        if not known:
            outcomes.append(NotYet("PaymentCreated"))
            continue
        await _see(tx, delivery)
        outcomes.append(None)
    return outcomes


async def _see(tx: Tx, delivery: Delivered[Any]) -> None:
    sql = "INSERT INTO seen (key, record, event_id) VALUES ($1, $2, $3)"
    await tx.run(sql, delivery.key, delivery.event.RECORD, delivery.event.event_id)


async def count(tx: Tx, names: Sequence[str]) -> list[int | DomainError]:
    """Add one to the counter of each name; refuse long names; fail unexpectedly for the name `crash`."""
    results: list[int | DomainError] = []
    for name in names:
        if len(name) > NAMES_LENGTH_MAX:
            results.append(NameTooLong("too long", field="name"))
            continue
        if name == "crash":
            raise RuntimeError("crashed on purpose")
        rows = await tx.fetch(
            "INSERT INTO counter AS c VALUES ($1, 1) "
            "ON CONFLICT (name) DO UPDATE SET value = c.value + 1 RETURNING value",
            name,
        )
        results.append(rows[0]["value"])
    return results


COUNT = Operation(
    name="Count", command=count, reply=lambda value: StringValue(value=str(value)), reply_type=StringValue
)

ALL_RECORDS = catalogue.records_of("payment.events")
HANDLED: dict[type[Event], Handle] = {
    events.PaymentCreated: Handle(handler=on_payment_created, deduplication="inbox"),
    events.PaymentFailed: Handle(handler=on_payment_failed),
}
UNKNOWN = events.RefundFailed.RECORD
"""Neither handled nor ignored, as a type newer than the build would be."""

SERVICE = Service(
    name="probe",
    locks=("counter",),
    records=("counter",),
    projections=("seen",),
    subscriptions=(
        Subscription(
            topic="payment.events",
            handles=HANDLED,
            ignores=ALL_RECORDS - {event.RECORD for event in HANDLED} - {UNKNOWN},
        ),
    ),
    emits=(events.PaymentCreated, events.PaymentFailed, events.RefundFailed),
)


def new_payment_id() -> str:
    return new_id("pay")
