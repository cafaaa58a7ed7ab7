"""What happens to attempts after they were approved: undone, returned, done twice or disputed, as amounts decide."""

from collections.abc import Mapping

from paykit.postgres.database import Tx
from paykit.work import Rows
from services.channel import store
from services.channel.commands import dispute, late_outcome
from services.channel.commands.dispute import OpenDispute
from services.channel.commands.late_outcome import SetOutcome
from services.channel.domain.behaviour import Aftereffect
from services.channel.domain.dispute import DisputeReason
from services.channel.domain.late_outcome import word_of
from services.channel.domain.transaction import ChannelTransaction


async def bring_about(tx: Tx, *, limit: int) -> int:
    """Carry out at most this many aftereffects that are due, and return their number; emits a line for each."""
    due = await store.take_aftereffects(tx, limit=limit)
    if not due:
        return 0
    # What somebody else said of an attempt meanwhile stands; then the refusal is what becomes of the word.
    transactions = await store.transactions.lock_named(tx, due)
    await late_outcome.turn_all(tx, transactions, _words(transactions, due))
    # A capture that was refunded meanwhile leaves nothing to dispute.
    await dispute.open_disputes(tx, _disputed(due))
    return len(due)


def _words(transactions: Rows[str, ChannelTransaction], due: Mapping[str, Aftereffect]) -> list[SetOutcome]:
    words = {attempt_id: word_of(transactions[attempt_id], kind) for attempt_id, kind in due.items()}
    return [SetOutcome(attempt_id=attempt_id, word=word) for attempt_id, word in words.items() if word is not None]


def _disputed(due: Mapping[str, Aftereffect]) -> list[OpenDispute]:
    return [
        OpenDispute(
            attempt_id=attempt_id,
            amount=None,
            reason=DisputeReason.FRAUD,
            respond_within_s=0,
            contest_loses=kind is Aftereffect.DISPUTE_LOST,
        )
        for attempt_id, kind in due.items()
        if kind in {Aftereffect.DISPUTE_WON, Aftereffect.DISPUTE_LOST}
    ]
