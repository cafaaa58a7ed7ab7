"""The SQL of proposed journals."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from paykit.paging import TimeKey
from paykit.postgres.database import Tx
from paykit.postgres.lists.walk import Found, Walk
from paykit.postgres.table import Table
from paystream.accounting.v1.events import Side
from services.accounting.domain.journal import Leg
from services.accounting.domain.proposal import JournalProposal, JournalProposalState


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalProposalFilter:
    """Which proposals to list; None does not filter.

    Attributes:
        create_time_before, update_time_before: Exclusive; other bounds belong to their range.
    """

    state: JournalProposalState | None = None
    proposer: str | None = None
    transaction_type: str | None = None
    currency_code: str | None = None
    create_time_min: datetime | None = None
    create_time_before: datetime | None = None
    update_time_min: datetime | None = None
    update_time_before: datetime | None = None
    oldest_first: bool = False


class JournalProposals(Table[str, JournalProposal]):
    """The table `journal_proposal`."""

    async def list(
        self, tx: Tx, selection: JournalProposalFilter, *, after: TimeKey | None, limit: int
    ) -> Found[JournalProposal]:
        """List proposals as asked for, from after a (create_time, proposal_id) on."""
        return await journal_proposal_walk.page(tx, selection, after=after, limit=limit)


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

journal_proposal_walk = Walk(journal_proposals, scopes=((),))
