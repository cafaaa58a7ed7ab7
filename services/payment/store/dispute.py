"""The SQL of disputes, of what channels said of them, and of the answers that channels are still to be told.

They change only under the lock of their payment, but for when a channel is to be told.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from paykit.paging import TimeKey
from paykit.postgres.database import Tx
from paykit.postgres.lists.walk import Found, Walk
from paykit.postgres.rows import columns, require_all_changed
from paykit.postgres.table import Table
from paystream.payment.v1 import events
from services.payment.domain.dispute import Dispute, DisputeOutcome, DisputeState

_CHANGING = (
    *("stage", "amount_minor", "claimed_minor", "reason", "category", "respond_by", "held_minor", "excess_minor"),
    *("counted_minor", "lost_minor", "owed_minor", "fee_minor", "fee_returned_minor", "booked", "state", "accepted"),
    *("contradicted", "evidence", "response_state", "word_time", "reminded_of", "update_time"),
)

# An answer that is to be told becomes due at once.
_UPDATE = """
UPDATE dispute SET {sets},
    due_time = CASE WHEN new.response_state = 'PENDING' THEN coalesce(due_time, now()) END
FROM unnest({arrays}) AS new ({columns})
WHERE dispute.dispute_id = new.dispute_id
"""

# Takes answers that are due. The lease keeps other jobs away while this one calls; jobs of several processes pass each
# other's rows by. due_time is real time, for leases and retries.
_CLAIM_RESPONSES = """
UPDATE dispute SET due_time = now() + $3::float8 * interval '1 s', response_tries = response_tries + 1
FROM (SELECT dispute_id AS claimed_id FROM dispute
      WHERE {bounds}due_time <= now() AND channel = $1 ORDER BY due_time LIMIT $2
      FOR UPDATE SKIP LOCKED) claimed, payment
WHERE dispute.dispute_id = claimed_id AND payment.payment_id = dispute.payment_id
RETURNING {dispute}, payment.correlation_id, dispute.response_tries
"""

_SELECT_TO_TELL = "SELECT dispute_id FROM dispute WHERE dispute_id = ANY($1::text[]) AND due_time IS NOT NULL"

_ANY_RESPONSE_DUE = "SELECT EXISTS (SELECT FROM dispute WHERE due_time <= now() AND channel = $1)"

# Another stage brings another time, which is told of again.
_SELECT_DUE_SOON = """
SELECT dispute_id FROM dispute
WHERE {bounds}state = 'OPENED' AND respond_by > $1 AND respond_by <= $2 AND respond_by IS DISTINCT FROM reminded_of
ORDER BY respond_by, dispute_id LIMIT $3
"""

_POSTPONE_RESPONSES = """
UPDATE dispute SET due_time = now() + new.pause_s * interval '1 s'
FROM unnest($1::text[], $2::float8[]) AS new (dispute_id, pause_s)
WHERE dispute.dispute_id = new.dispute_id AND response_state = 'PENDING'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeFilter:
    """What ListDisputes selects; None selects all. payment_id or merchant_id is set.

    Attributes:
        create_time_before, update_time_before: Exclusive; other bounds belong to their range.
    """

    payment_id: str | None
    merchant_id: str | None
    state: DisputeState | None
    create_time_min: datetime | None
    create_time_before: datetime | None
    currency_code: str | None = None
    amount_minor_min: int | None = None
    amount_minor_max: int | None = None
    channel: str | None = None
    dispute_reference: str | None = None
    stage: events.DisputeStage | None = None
    respond_by_min: datetime | None = None
    respond_by_before: datetime | None = None
    update_time_min: datetime | None = None
    update_time_before: datetime | None = None
    oldest_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A merchant's answer, taken to be told to the channel.

    Attributes:
        tries: Calls so far, the one under way included.
    """

    dispute: Dispute
    correlation_id: str
    tries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeReport:
    """What a channel said of a dispute, kept once however often it was told.

    Attributes:
        said: All of it, as one text.
        contradicts: Whether it did not agree with what was recorded.
        occur_time: When it happened, as the channel says; None where it does not.
    """

    dispute_id: str
    said: str
    outcome: DisputeOutcome
    attempt_id: str
    stage: events.DisputeStage | None
    amount_minor: int
    currency_code: str
    contradicts: bool
    occur_time: datetime | None
    record_time: datetime


class Disputes(Table[str, Dispute]):
    """The table `dispute`, whose rows are also the queue of answers for channels."""

    async def by_reference(self, tx: Tx, references: Collection[tuple[str, str]]) -> list[Dispute]:
        """Read disputes by (channel, dispute_reference), of whichever payment: a reference may be another's."""
        if not references:
            return []
        condition = "(channel, dispute_reference) IN (SELECT * FROM unnest($1::text[], $2::text[]))"
        return await self.select(tx, condition, *([reference[i] for reference in references] for i in (0, 1)))

    async def update(self, tx: Tx, rows: Collection[Dispute]) -> None:
        """Write disputes back, each at most once; their payments are locked.

        Raises:
            InvariantError: A dispute is not there, or came twice.
        """
        if rows:
            written = ("dispute_id", *_CHANGING)
            sql = _UPDATE.format(
                sets=", ".join(f"{column} = new.{column}" for column in _CHANGING),
                arrays=self.parameters(written),
                columns=", ".join(written),
            )
            changed = await tx.run(sql, *columns(list(rows), written))
            require_all_changed(self.name, changed, len(rows))

    async def any_response_due(self, tx: Tx, *, channel: str) -> bool:
        """Return whether a channel is to be told an answer."""
        return bool((await tx.fetch(_ANY_RESPONSE_DUE, channel))[0][0])

    async def due_soon(self, tx: Tx, within: timedelta, *, limit: int) -> list[str]:
        """Read which disputes are to be answered until then, and of which that is still to be told; soonest first."""
        bounds, keys = tx.claims.bounds(("dispute_id",), first=4)
        rows = await tx.fetch(_SELECT_DUE_SOON.format(bounds=bounds), tx.now, tx.now + within, limit, *keys)
        tx.claims.take(row[0] for row in rows)
        return [row[0] for row in rows]

    async def postpone_responses(self, tx: Tx, pauses_s: Mapping[str, float]) -> None:
        """Let answers wait before they are told again, by dispute."""
        if pauses_s:
            dispute_ids = sorted(pauses_s)
            await tx.run(_POSTPONE_RESPONSES, dispute_ids, [pauses_s[dispute_id] for dispute_id in dispute_ids])

    async def claim_responses(self, tx: Tx, *, channel: str, limit: int, lease_s: float) -> list[Response]:
        """Take the answers that a channel has waited for longest, as far as `tx.claims` allows."""
        bounds, keys = tx.claims.bounds(("dispute_id",), first=4)
        sql = _CLAIM_RESPONSES.format(bounds=bounds, dispute=self.selected)
        rows = await tx.lock(self.name, sql, channel, limit, lease_s, *keys)
        taken = [row["dispute_id"] for row in rows]
        tx.claims.take(taken)
        if missed := set(tx.claims.only).difference(taken):
            tx.claims.wait(row["dispute_id"] for row in await tx.fetch(_SELECT_TO_TELL, sorted(missed)))
        return [
            Response(dispute=self.read(row), correlation_id=row["correlation_id"], tries=row["response_tries"])
            for row in rows
        ]

    async def list(self, tx: Tx, selection: DisputeFilter, *, after: TimeKey | None, limit: int) -> Found[Dispute]:
        """List disputes in the order asked for, from after a (create_time, dispute_id) on."""
        return await dispute_walk.page(tx, selection, after=after, limit=limit)

    async def list_to_answer(
        self, tx: Tx, selection: DisputeFilter, *, after: TimeKey | None, limit: int
    ) -> Found[Dispute]:
        """List disputes that are to be answered, soonest first, from after a (respond_by, dispute_id) on."""
        return await to_answer_walk.page(tx, selection, after=after, limit=limit)


disputes = Disputes(Dispute, "dispute", key="dispute_id")

dispute_walk = Walk(disputes, scopes=(("payment_id",), ("merchant_id",)), unique=(("channel", "dispute_reference"),))
# Until when they can be answered; those without such a time are in no order of it.
to_answer_walk = Walk(disputes, scopes=((),), where="state = 'OPENED' AND respond_by IS NOT NULL", time="respond_by")


class DisputeReports(Table[tuple[str, str], DisputeReport]):
    """The table `dispute_report`: rows are added and never change."""

    async def said_of(self, tx: Tx, dispute_ids: Collection[str]) -> set[tuple[str, str]]:
        """Read what was said of locked disputes: dispute_id and `said` of each report."""
        if not dispute_ids:
            return set()
        rows = await self.select(tx, "dispute_id = ANY($1::text[])", sorted(dispute_ids))
        return {(row.dispute_id, row.said) for row in rows}


reports = DisputeReports(DisputeReport, "dispute_report", key=("dispute_id", "said"))
