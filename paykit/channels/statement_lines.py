"""Lines of statements that a person took as evidence: applied as whatever else a channel says.

Reconciliation tells both services that call channels; each takes what is of its own operations, once however often it
is told. What is about no attempt, or in another currency than it, is kept as unmatched evidence.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from paykit.channels.attempts import Evidence, EvidenceOutcome, RecordEvidence, Source
from paykit.consume.delivery import Delivered, Handle, Handler, HandlerResult, Impossible, Subscription
from paykit.errors import DomainError, FieldInvalid
from paystream.reconciliation.v1 import events
from paystream.reconciliation.v1.events import StatementEvidenceAccepted

OUTCOMES: Mapping[events.EvidenceOutcome, EvidenceOutcome] = MappingProxyType(
    {
        events.EvidenceOutcome.SUCCEEDED: EvidenceOutcome.SUCCEEDED,
        events.EvidenceOutcome.FAILED: EvidenceOutcome.FAILED,
        events.EvidenceOutcome.RETURNED: EvidenceOutcome.RETURNED,
    }
)
"""What a line says, in the words of evidence."""

OF_BANKS = frozenset({events.EvidenceOperation.PAY})
"""What withdrawal asks of channels; all else payment does."""


def subscription(handler: Handler) -> Subscription:
    """Subscribe to reconciliation.events for the lines that were taken as evidence."""
    return Subscription(
        topic=StatementEvidenceAccepted.TOPIC,
        handles={StatementEvidenceAccepted: Handle(handler=handler)},
        ignores=frozenset(event.RECORD for event in events.EVENTS if event is not StatementEvidenceAccepted),
    )


def sort_out(
    deliveries: Sequence[Delivered[StatementEvidenceAccepted]],
    *,
    mine: Callable[[StatementEvidenceAccepted], bool],
    outcomes: frozenset[EvidenceOutcome],
) -> tuple[list[RecordEvidence], list[HandlerResult]]:
    """Return the evidence that a service applies, and the answer for each event.

    Args:
        deliveries: In order.
        mine: Whether an event is about what the service asks of channels.
        outcomes: What the service takes; another is a dead letter.
    """
    items: list[RecordEvidence] = []
    results: list[HandlerResult] = []
    for delivery in deliveries:
        evidence = _evidence(delivery.event, outcomes) if mine(delivery.event) else None
        if isinstance(evidence, Evidence):
            items.append(RecordEvidence(evidence=evidence, cause=delivery.cause))
        results.append(Impossible(evidence) if isinstance(evidence, DomainError) else None)
    return items, results


def _evidence(event: StatementEvidenceAccepted, outcomes: frozenset[EvidenceOutcome]) -> Evidence | FieldInvalid:
    outcome = OUTCOMES.get(event.outcome)
    if outcome not in outcomes or outcome is None:
        return FieldInvalid(f"A line says {event.outcome}, which nothing can be ended by.", field="outcome")
    return Evidence(
        attempt_id=event.attempt_id,
        source=Source.STATEMENT_LINE,
        outcome=outcome,
        channel_reference=event.channel_reference,
        failure_code=None if outcome is EvidenceOutcome.SUCCEEDED else event.failure_code,
        amount_minor=event.amount_minor,
        currency_code=event.currency_code,
    )
