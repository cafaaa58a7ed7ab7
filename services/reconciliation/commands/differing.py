"""Discrepancies: made of differences found, and ended where what was missing has come."""

from collections.abc import Collection, Sequence
from typing import Any

from paykit.cause import Cause
from paykit.ids import new_id
from paykit.postgres.database import Tx
from paykit.work import Rows
from paystream.reconciliation.v1.events import DiscrepancyKind, DiscrepancyResolution
from services.reconciliation import domain, store
from services.reconciliation.domain.discrepancy import Discrepancy, DiscrepancyState
from services.reconciliation.domain.ending import ResolvedBy
from services.reconciliation.domain.rule_set import Fee, Rules
from services.reconciliation.store.matching import LineDifference

NOBODY = ResolvedBy(reason=None, proposer=None)
"""Of what no person decided."""
_OF_LINE = "line_no IS NOT NULL AND state = 'OPEN'"
_OF_MOVEMENT = "line_no IS NULL AND movement_id IS NOT NULL AND state = 'OPEN'"
HEALED_AT_ONCE_MAX = 1_000
"""Discrepancies ended in one transaction."""


async def record(tx: Tx, differences: Sequence[LineDifference], rules: Rules) -> None:
    """Make a discrepancy of each difference that has no open one yet.

    Rows: discrepancy. Events: DiscrepancyDetected.
    """
    if not differences:
        return
    found = [_discrepancy(tx, facts, rules.fee) for facts in await store.facts_of(tx, differences)]
    by_line = [each for each in found if each.line_no is not None]
    by_movement = [each for each in found if each.line_no is None]
    added = set(await store.discrepancies.insert_absent(tx, by_line, unique=("line_no", "kind"), where=_OF_LINE))
    added |= set(
        await store.discrepancies.insert_absent(tx, by_movement, unique=("movement_id", "kind"), where=_OF_MOVEMENT)
    )
    tell(tx, found, added)


def tell(tx: Tx, found: Sequence[Discrepancy], added: Collection[str]) -> None:
    """Tell of those discrepancies that were added. Events: DiscrepancyDetected."""
    for discrepancy in sorted(found, key=lambda each: each.discrepancy_id):
        if discrepancy.discrepancy_id in added:
            tx.hold(discrepancy.discrepancy_id)
            tx.emit(domain.contradiction.detected(discrepancy), cause=Cause(discrepancy.correlation_id))


async def heal(tx: Tx) -> int:
    """End discrepancies whose missing side has come, and return how many.

    Rows: discrepancy. Events: DiscrepancyResolved.
    """
    healed = await store.discrepancies.claim_healed(tx, HEALED_AT_ONCE_MAX)
    await end_matched(tx, healed)
    return len(healed)


async def end_matched(tx: Tx, rows: Rows[str, Discrepancy], ended: Sequence[Discrepancy] | None = None) -> None:
    """End locked discrepancies, as far as they are open, by what has come: all of them, or those that are named.

    Rows: discrepancy. Events: DiscrepancyResolved.
    """
    for discrepancy in [
        row for row in (rows.values() if ended is None else ended) if row.state is DiscrepancyState.OPEN
    ]:
        over, event = domain.ending.end(discrepancy, DiscrepancyResolution.MATCHED, NOBODY, now=tx.now)
        rows.put(over)
        tx.emit(event, cause=Cause(over.correlation_id))
    await tx.save(rows)


def _discrepancy(tx: Tx, facts: Any, fee: Fee | None) -> Discrepancy:
    kind = DiscrepancyKind(facts["status"])
    expected_minor = facts["expected_minor"] or facts["unmoved_minor"]
    currency_code = facts["expected_currency_code"] or facts["unmoved_currency_code"] or facts["currency_code"]
    return Discrepancy(
        discrepancy_id=new_id("dis"),
        kind=kind,
        channel=facts["line_channel"] or facts["movement_channel"],
        statement_id=facts["statement_id"],
        line_no=facts["line_no"],
        line_id=facts["line_id"],
        movement_id=facts["movement_id"],
        transaction_id=facts["transaction_id"],
        contradiction_id=None,
        attempt_id=facts["attempt_id"] or facts["movement_attempt_id"],
        related_no=facts["movement_related_no"] or facts["unmoved_related_no"] or facts["related_no"],
        root_reference=facts["root_reference"],
        channel_reference=facts["channel_reference"] or facts["movement_reference"],
        operation=facts["line_operation"] or facts["movement_operation"],
        carried_out=facts["outcome"] != "FAILED",
        currency_code=currency_code,
        expected_minor=expected_minor,
        reported_minor=None if facts["amount_minor"] is None else abs(facts["amount_minor"]),
        reported_currency_code=facts["currency_code"],
        expected_fee_minor=_expected_fee(kind, fee, facts["expected_minor"]),
        reported_fee_minor=facts["channel_fee_minor"],
        value_date=(facts["line_date"] or facts["occurred_at"].date()).isoformat(),
        merchant_id=facts["merchant_id"],
        correlation_id=facts["correlation_id"] or facts["statement_id"] or "",
        create_time=tx.now,
        update_time=tx.now,
    )


def _expected_fee(kind: DiscrepancyKind, fee: Fee | None, expected_minor: int | None) -> int | None:
    if kind is not DiscrepancyKind.FEE_MISMATCH or fee is None or expected_minor is None:
        return None
    return domain.rule_set.fee_of(fee, expected_minor)
