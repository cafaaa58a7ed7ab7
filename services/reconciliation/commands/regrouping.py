"""Lines that differ, looked at again together with what came since: parts of one movement, or movements of one line."""

from collections.abc import Collection, Sequence

from paykit.postgres.claims import TooMuchAtOnceError
from paykit.postgres.database import Tx
from paykit.work import Rows
from services.reconciliation import store
from services.reconciliation.commands import differing
from services.reconciliation.commands.looking import look_at, may_be_completed
from services.reconciliation.domain.correction import Correction, CorrectionState
from services.reconciliation.domain.discrepancy import Discrepancy
from services.reconciliation.domain.rule_set import Rules
from services.reconciliation.store.matching import LineDifference

DIFFERING_AT_ONCE_MAX = 2_000
"""What may differ in one look at more than so many lines: each of it is a row, an event and a step of its own."""

_LIFTED = frozenset({CorrectionState.REJECTED, CorrectionState.REFUSED})


class TooManyDifferError(TooMuchAtOnceError):
    """More differs than one transaction should take: a look at fewer lines takes them in portions."""


def require_few(differences: int, lines: int) -> None:
    """Refuse to go on with so many differences in one transaction, unless the look is a small one.

    Raises:
        TooManyDifferError: Nothing of this look may be kept.
    """
    if min(differences, lines) > DIFFERING_AT_ONCE_MAX:
        raise TooManyDifferError


async def look_together(tx: Tx, channel: str, line_nos: Sequence[int], rules: Rules) -> list[LineDifference]:
    """Look at lines, together with those that differ from the same movements; return what differs.

    A line whose discrepancy people have ended, or of which a correction waits, stays as it is.

    Rows: those of lines and movements, discrepancy. Events: DiscrepancyResolved.

    Raises:
        TooManyDifferError: More differs than one transaction should take.
    """
    if not line_nos:
        return []
    woken = set(await store.regrouping.woken_lines(tx, channel, len(line_nos))).intersection(line_nos)
    found = await look_at(tx, channel, [line_no for line_no in line_nos if line_no not in woken], rules)
    new = {each.line_no for each in found if each.line_no is not None and may_be_completed(each)}
    require_few(len(woken | new), len(line_nos))
    if not woken and not new:
        return found
    group = await store.regrouping.related_lines(tx, channel, woken | new)
    if new.issuperset(group):
        return found
    again = await _look_again(tx, channel, group, rules, new=new)
    decided = set(group)
    return [each for each in found if each.line_no not in decided] + again


async def watch(tx: Tx, differences: Sequence[LineDifference]) -> None:
    """Have lines that differ wait for what may complete them. Rows: open_line."""
    line_nos = [each.line_no for each in differences if each.line_no is not None and may_be_completed(each)]
    await store.lines.open_again(tx, line_nos, differs=True)


async def make_way(tx: Tx, discrepancies: Rows[str, Discrepancy], corrections: Sequence[Correction]) -> None:
    """Have lines looked at again whose correction waits no longer, and changed nothing. Rows: open_line."""
    lifted = [each for each in corrections if each.state in _LIFTED]
    line_nos = [discrepancies[each.discrepancy_id].line_no for each in lifted]
    await store.waiting.look_again(tx, [line_no for line_no in line_nos if line_no is not None])


async def _look_again(
    tx: Tx, channel: str, group: Sequence[int], rules: Rules, *, new: Collection[int]
) -> list[LineDifference]:
    """Decide anew what may be, and end the discrepancies that are none any more."""
    rows = await store.discrepancies.lock_differing(tx, [line_no for line_no in group if line_no not in new])
    pending = {each.discrepancy_id for each in (await store.corrections.pending_of(tx, [*rows])).values()}
    listed = [row for row in rows.values() if row.discrepancy_id not in pending]
    line_nos = sorted({*new, *(row.line_no for row in listed if row.line_no is not None)}.intersection(group))
    await store.regrouping.reopen(tx, line_nos, sla=rules.channel_sla)
    found = await look_at(tx, channel, line_nos, rules)
    rest = await store.matching.still_open(tx, line_nos)
    await store.matching.keep_open(tx, rest, due_time=tx.now + rules.internal_sla)
    outcomes = await store.regrouping.outcomes(tx, line_nos)
    await differing.end_matched(tx, rows, [row for row in listed if _is_over(row, outcomes)])
    return found


def _is_over(row: Discrepancy, outcomes: dict[int, tuple[str, str | None]]) -> bool:
    """Say whether a line is no longer what its discrepancy says, or not against the same movement."""
    status, movement_id = outcomes.get(row.line_no or 0, (None, None))
    return status != row.kind or (row.kind == "AMOUNT_MISMATCH" and movement_id != row.movement_id)
