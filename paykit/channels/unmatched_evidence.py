"""What channels told that is about no attempt of the service: kept and listed, whatever the caller is answered."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from paykit.channels.attempts import EvidenceOutcome, RecordEvidence
from paykit.errors import DomainError
from paykit.events.codec import Event
from paykit.ids import new_id
from paykit.paging import TimeKey
from paykit.postgres.database import Tx
from paykit.postgres.lists.walk import Found, Walk
from paykit.postgres.table import Table

_KEY = ("attempt_id", "outcome", "channel_reference", "failure_code", "amount_minor", "currency_code")


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmatchedEvidence:
    """Evidence about no attempt that is known, or was sent, or is in its currency; empty and 0 where nothing was said.

    Attributes:
        refusal: The reason that the caller was answered.
    """

    evidence_id: str
    attempt_id: str
    outcome: EvidenceOutcome
    channel_reference: str
    failure_code: str
    amount_minor: int
    currency_code: str
    refusal: str
    create_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmatchedEvidenceFilter:
    """What ListUnmatchedEvidence selects; None selects all.

    Attributes:
        amount_minor_min, amount_minor_max: In minor units of whichever currency; what was told without one counts as 0.
        create_time_before: Exclusive; other bounds belong to their range.
    """

    attempt_id: str | None = None
    channel_reference: str | None = None
    currency_code: str | None = None
    amount_minor_min: int | None = None
    amount_minor_max: int | None = None
    create_time_min: datetime | None = None
    create_time_before: datetime | None = None
    oldest_first: bool = False


class UnmatchedFacts(TypedDict):
    """The fields that EvidenceUnmatched has in every service, but for its key: the attempt_id named."""

    occurred_at: datetime
    merchant_id: None
    aggregate_version: int
    evidence_id: str
    attempt_id: str
    channel: str
    channel_reference: str | None
    reported_outcome: str
    amount_minor: int | None
    currency_code: str | None


def unmatched_facts(kept: UnmatchedEvidence) -> UnmatchedFacts:
    """Return what the event of any service says of evidence about no attempt."""
    return {
        "occurred_at": kept.create_time,
        "merchant_id": None,
        "aggregate_version": 1,
        "evidence_id": kept.evidence_id,
        "attempt_id": kept.attempt_id,
        "channel": "",
        "channel_reference": kept.channel_reference or None,
        "reported_outcome": kept.outcome,
        "amount_minor": kept.amount_minor or None,
        "currency_code": kept.currency_code or None,
    }


class UnmatchedEvidenceTable(Table[str, UnmatchedEvidence]):
    """A service's table `unmatched_evidence`."""

    def __init__(self) -> None:
        super().__init__(UnmatchedEvidence, "unmatched_evidence", key="evidence_id")

    async def keep(
        self,
        tx: Tx,
        items: Sequence[RecordEvidence],
        results: Sequence[object],
        *,
        tell: Callable[[UnmatchedEvidence], Event],
    ) -> None:
        """Keep the evidence that was refused, once however often it is told, and tell of what is new.

        Args:
            tx: That applied the evidence.
            items: What was to be applied.
            results: What came of each, in order: a refusal where it is about nothing.
            tell: Makes the event, whose key is the attempt_id named.
        """
        refused = [
            (_row(tx, item, result), item.cause)
            for item, result in zip(items, results, strict=True)
            if isinstance(result, DomainError)
        ]
        inserted = set(await self.insert_absent(tx, [row for row, _ in refused], unique=_KEY))
        for row, cause in refused:
            if row.evidence_id in inserted:
                tx.hold(row.attempt_id)
                tx.emit(tell(row), cause=cause)

    @property
    def walk(self) -> Walk[UnmatchedEvidence]:
        """The way along the index of all."""
        return Walk(self, scopes=((),))

    async def list(
        self, tx: Tx, selection: UnmatchedEvidenceFilter, *, after: TimeKey | None, limit: int
    ) -> Found[UnmatchedEvidence]:
        """List what was kept as asked for, from after a (create_time, evidence_id) on."""
        return await self.walk.page(tx, selection, after=after, limit=limit)


def _row(tx: Tx, item: RecordEvidence, refusal: DomainError) -> UnmatchedEvidence:
    evidence = item.evidence
    return UnmatchedEvidence(
        evidence_id=new_id("evd"),
        attempt_id=evidence.attempt_id,
        outcome=evidence.outcome,
        channel_reference=evidence.channel_reference or "",
        failure_code=evidence.failure_code or "",
        amount_minor=evidence.amount_minor or 0,
        currency_code=evidence.currency_code or "",
        refusal=refusal.reason,
        create_time=tx.now,
    )
