"""What of discrepancies, their lines and the ledger decides how they can end."""

from collections.abc import Iterable, Sequence

from paykit.postgres.database import Tx
from paystream.accounting.v1.events import AccountCreated
from paystream.channel.v1.events import ChannelOperation
from services.reconciliation.domain.discrepancy import Discrepancy
from services.reconciliation.domain.resolution import DifferenceFacts

_KEEP_KINDS = """
INSERT INTO ledger_account_kind (account_kind) SELECT DISTINCT unnest($1::text[]) ORDER BY 1 ON CONFLICT DO NOTHING
"""


def differences(discrepancies: Iterable[Discrepancy]) -> dict[str, DifferenceFacts]:
    """Return what discrepancies are about."""
    return {row.discrepancy_id: _difference(row) for row in discrepancies}


def _difference(row: Discrepancy) -> DifferenceFacts:
    return DifferenceFacts(
        kind=row.kind,
        operation=None if row.operation is None else ChannelOperation(row.operation),
        carried_out=row.carried_out,
        attempt_id=row.attempt_id,
        expected_minor=row.expected_minor,
        reported_minor=row.reported_minor,
        expected_fee_minor=row.expected_fee_minor,
        reported_fee_minor=row.reported_fee_minor,
    )


async def keep_account_kinds(tx: Tx, events: Sequence[AccountCreated]) -> None:
    """Keep which kinds of account the ledger has. Rows: ledger_account_kind."""
    if events:
        await tx.run(_KEEP_KINDS, [event.account_kind for event in events])


async def account_kinds(tx: Tx) -> frozenset[str]:
    """Read which kinds of account the ledger has told of."""
    return frozenset(row[0] for row in await tx.fetch("SELECT account_kind FROM ledger_account_kind"))
