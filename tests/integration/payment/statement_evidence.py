"""Lines of statements that a person took as evidence, handed to a service that calls channels."""

from typing import Any

from paykit.consume.delivery import Delivered, Handler, HandlerResult, Record
from paykit.process.runtime import Runtime
from paykit.testing.runtimes import START
from paystream.reconciliation.v1.events import EvidenceOperation, EvidenceOutcome, StatementEvidenceAccepted


def accepted(attempt_id: str, operation: str, outcome: str = "SUCCEEDED", **changes: Any) -> StatementEvidenceAccepted:
    given: dict[str, Any] = {
        "event_id": "evt_" + "5" * 32,
        "occurred_at": START,
        "merchant_id": None,
        "correlation_id": "cor_line",
        "aggregate_version": 1,
        "attempt_id": attempt_id,
        "discrepancy_id": "dis_" + "1" * 32,
        "channel": "simulator",
        "channel_reference": "ch_line",
        "amount_minor": 10_000,
        "currency_code": "USD",
        "failure_code": "line_says_no" if outcome == "FAILED" else None,
        "value_date": "2026-03-01",
        "statement_id": "stm_" + "1" * 32,
        "line_id": "line-1",
        "reason": "the statement shows it",
    }
    return StatementEvidenceAccepted(
        operation=EvidenceOperation(operation), outcome=EvidenceOutcome(outcome), **given | changes
    )


async def deliver(runtime: Runtime, handler: Handler, *events: StatementEvidenceAccepted) -> list[HandlerResult]:
    deliveries = [Delivered(event, Record(event.TOPIC, 0, 0, event.attempt_id, b"", ())) for event in events]
    return list(await runtime.transaction(lambda tx: handler(tx, deliveries)))
