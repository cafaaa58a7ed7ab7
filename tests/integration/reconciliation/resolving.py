"""What tests of resolving do beside calling the service."""

import uuid
from collections.abc import Sequence
from typing import Any

from paykit.consume.delivery import Delivered, HandlerResult, Record
from paykit.events.event import Event
from paykit.process.runtime import Runtime
from paykit.testing.outbox_events import outbox_events
from paykit.testing.runtimes import START, act_as
from paystream.accounting.v1 import events as accounting_events
from paystream.reconciliation.v1 import reconciliation_pb2 as pb
from paystream.reconciliation.v1.events import DiscrepancyKind
from services.reconciliation import store
from services.reconciliation.domain.discrepancy import Discrepancy
from services.reconciliation.rpc.reconciliation import ReconciliationServicer
from services.reconciliation.service import SERVICE
from tests.line.replies import checked

ANY: Any = None
HANDLERS = {
    event: handle.handler for subscription in SERVICE.subscriptions for event, handle in subscription.handles.items()
}
CONFIRM = pb.RESOLUTION_ACTION_CONFIRM_EVIDENCE
PROPOSE = pb.RESOLUTION_ACTION_PROPOSE_CORRECTION
EXPLAIN = pb.RESOLUTION_ACTION_EXPLAIN


def discrepancy_id(number: int) -> str:
    return f"dis_{number:032x}"


def found(number: int = 1, kind: str = "AMOUNT_MISMATCH", **changes: Any) -> Discrepancy:
    """A discrepancy: the line says 90.00 where 100.00 are recorded."""
    given: dict[str, Any] = {
        "channel": "simulator",
        "statement_id": "stm_" + "1" * 32,
        "line_id": f"line-{number}",
        "transaction_id": "txn_" + "1" * 32,
        "attempt_id": f"att_{number:032x}",
        "related_no": f"cap_{number:032x}",
        "root_reference": f"pay_{number:032x}",
        "channel_reference": f"ch_{number}",
        "currency_code": "USD",
        "expected_minor": 10_000,
        "reported_minor": 9_000,
        "reported_currency_code": "USD",
        "expected_fee_minor": 25,
        "reported_fee_minor": 25,
        "contradiction_id": None,
        "value_date": "2026-03-01",
        "operation": "CAPTURE",
        "correlation_id": "cor_1",
        "create_time": START,
        "update_time": START,
    }
    return Discrepancy(discrepancy_id=discrepancy_id(number), kind=DiscrepancyKind(kind), **given | changes)


class Desk:
    """The reconciliation service, with discrepancies that it has found, called as a servicer."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.call = checked(ReconciliationServicer(runtime))

    async def find(self, *discrepancies: Discrepancy) -> None:
        await self.runtime.transaction(lambda tx: store.discrepancies.insert(tx, discrepancies))

    async def resolve(
        self, action: Any, number: int = 1, *, person: str = "ann", **changes: Any
    ) -> pb.ResolveDiscrepancyResponse:
        act_as(person)
        given: dict[str, Any] = {
            "request_id": str(uuid.uuid4()),
            "discrepancy_id": discrepancy_id(number),
            "action": action,
            "reason": "Looked into.",
        }
        return await self.call.ResolveDiscrepancy(pb.ResolveDiscrepancyRequest(**given | changes), ANY)

    async def approve(self, correction_id: str, *, person: str = "bob") -> pb.Correction:
        act_as(person)
        request = pb.ApproveCorrectionRequest(
            request_id=str(uuid.uuid4()), correction_id=correction_id, reason="So it is."
        )
        return (await self.call.ApproveCorrection(request, ANY)).correction

    async def reject(self, correction_id: str, *, person: str = "bob") -> pb.Correction:
        act_as(person)
        request = pb.RejectCorrectionRequest(request_id=str(uuid.uuid4()), correction_id=correction_id, reason="No.")
        return (await self.call.RejectCorrection(request, ANY)).correction

    async def corrections(self, **wanted: Any) -> list[pb.Correction]:
        return list((await self.call.ListCorrections(pb.ListCorrectionsRequest(**wanted), ANY)).corrections)

    async def get(self, number: int = 1) -> Discrepancy:
        got = await self.runtime.read(lambda tx: store.discrepancies.get(tx, discrepancy_id(number)))
        assert got is not None
        return got

    async def deliver(self, *events: Event) -> Sequence[HandlerResult]:
        """Handle events of one type, as the consumer does."""
        deliveries = [
            Delivered(event, Record(event.TOPIC, 0, 0, getattr(event, event.KEY), b"", ())) for event in events
        ]
        return await self.runtime.transaction(lambda tx: HANDLERS[type(events[0])](tx, deliveries))

    async def told(self, key: str | None = None) -> list[Any]:
        """Give the events told so far, in order."""
        return [self.runtime.codec.decode(row["value"]) for row in await outbox_events(self.runtime, key)]

    async def told_types(self) -> list[str]:
        return [type(event).__name__ for event in await self.told()]


def account_created(kind: str) -> accounting_events.AccountCreated:
    return accounting_events.AccountCreated(
        occurred_at=START,
        merchant_id=None,
        event_id="evt_" + "1" * 32,
        correlation_id="cor_1",
        aggregate_version=1,
        account_id="acc_" + kind,
        account_kind=kind,
        currency_code="USD",
        normal_side=accounting_events.Side.DEBIT,
    )


def entry(kind: str, effect: int, amount_minor: int, merchant_id: str | None = None) -> accounting_events.Entry:
    return accounting_events.Entry(
        account_id=f"acc_{kind}",
        account_kind=kind,
        merchant_id=merchant_id,
        side=accounting_events.Side.DEBIT,
        effect=effect,
        amount_minor=amount_minor,
        currency_code="USD",
    )


def booked(
    transaction_type: str, related_no: str, *entries: accounting_events.Entry, **changes: Any
) -> accounting_events.TransactionCreated:
    """A transaction of the ledger; its entries need not balance here."""
    given: dict[str, Any] = {
        "occurred_at": START,
        "merchant_id": None,
        "event_id": "evt_" + "1" * 32,
        "correlation_id": "cor_1",
        "aggregate_version": 1,
        "transaction_id": f"txn_{transaction_type}_{related_no}",
        "root_reference": related_no,
        "direction": None,
        "amount_minor": 1_000,
        "currency_code": "USD",
        "effective_at": START,
        "reverses_transaction_id": None,
        "channel": None,
        "channel_reference": None,
        "fee_minor": 0,
        "chart_name": "psp_liability",
        "reason": None,
    }
    return accounting_events.TransactionCreated(
        transaction_type=transaction_type, related_no=related_no, entries=entries, **given | changes
    )


def rejected(correction_id: str, reason: str = "CORRECTION_NOT_POSSIBLE") -> accounting_events.TransactionRejected:
    return accounting_events.TransactionRejected(
        occurred_at=START,
        merchant_id=None,
        event_id="evt_" + "2" * 32,
        correlation_id="cor_1",
        aggregate_version=1,
        transaction_type="Correction",
        related_no=correction_id,
        root_reference=discrepancy_id(1),
        reason=reason,
    )
