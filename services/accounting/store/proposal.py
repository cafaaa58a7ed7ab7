"""The SQL of proposed journals."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from paykit.paging import TimeKey
from paykit.postgres.database import Tx
from paykit.postgres.table import Table, where
from paystream.accounting.v1.events import Side
from services.accounting.domain.journal import Leg
from services.accounting.domain.proposal import JournalProposal, JournalProposalState


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalProposalFilter:
    """Which proposals to list; None does not filter."""

    state: JournalProposalState | None = None
    proposer: str | None = None


class JournalProposals(Table[str, JournalProposal]):
    """The table `journal_proposal`."""

    async def list(
        self, tx: Tx, selection: JournalProposalFilter, *, after: TimeKey | None, limit: int
    ) -> list[JournalProposal]:
        """Read proposals, the newest first, from after a key if one is given."""
        condition, args = where(
            ("state = {}", selection.state),
            ("proposer = {}", selection.proposer),
            ("(create_time, proposal_id) < ({}, {})", *(after or (None, None))),
        )
        order = f"ORDER BY create_time DESC, proposal_id DESC LIMIT ${len(args) + 1}"
        return await self.select(tx, f"{condition} {order}", *args, limit)


def _legs_json(proposal: JournalProposal) -> str:
    return json.dumps([asdict(leg) for leg in proposal.legs])


def _legs(stored: Sequence[dict[str, Any]]) -> tuple[Leg, ...]:
    return tuple(Leg(**{**leg, "side": Side(leg["side"])}) for leg in stored)


journal_proposals = JournalProposals(
    JournalProposal,
    "journal_proposal",
    key="proposal_id",
    changing=("state", "decider", "decision_reason", "transaction_id", "update_time"),
    sql_types={"legs": "jsonb"},
    readers={"legs": _legs},
    writers={"legs": _legs_json},
)
