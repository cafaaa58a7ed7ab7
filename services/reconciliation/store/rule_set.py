"""The SQL of rule sets, of their trials on lines that have an outcome, and the rules that ship."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib import resources

from paykit.paging import TimeKey
from paykit.postgres.database import Tx
from paykit.postgres.lists.walk import Found, Walk
from paykit.postgres.table import Table
from paykit.work import Rows
from services.reconciliation.domain.rule_set import RuleSet, RuleSetState

_NEXT_VERSION = "SELECT coalesce(max(version), 0) + 1 AS version FROM rule_set WHERE channel = $1"
_LOCK_VERSIONS = "SELECT pg_advisory_xact_lock($1)"
_VERSIONS_LOCK = 0x7275_6C65
_FILES = resources.files("services.reconciliation").joinpath("rules")

WAITING = "WAITING"
"""Stands for the status of a line that has none yet."""

# For a trial that is undone: lines since a day, and the movements they have, are as if they had just come.
_REOPEN = """
WITH again AS MATERIALIZED (
    SELECT l.line_no, coalesce(o.status, 'WAITING') AS status
    FROM statement_line l LEFT JOIN line_outcome o USING (line_no)
    WHERE l.channel = $1 AND l.line_date >= $2 ORDER BY l.line_no DESC LIMIT $3
),
undecided AS (DELETE FROM line_outcome o USING again a WHERE o.line_no = a.line_no),
freed AS (
    DELETE FROM movement_outcome o USING again a WHERE o.line_no = a.line_no RETURNING o.movement_id
),
waiting AS (
    INSERT INTO open_movement (movement_id, channel, fresh) SELECT DISTINCT movement_id, $1, true FROM freed
    ON CONFLICT DO NOTHING
),
opened AS (
    INSERT INTO open_line (line_no, statement_id, channel, operation, amount_minor, currency_code, fresh)
    SELECT l.line_no, l.statement_id, l.channel, l.operation, l.amount_minor, l.currency_code, true
    FROM again JOIN statement_line l USING (line_no) ON CONFLICT (line_no) DO UPDATE SET fresh = true
)
SELECT line_no, status FROM again
"""

_STATUSES = "SELECT line_no, status FROM line_outcome WHERE line_no = ANY($1::bigint[])"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSetFilter:
    """Which rule sets to list; None does not filter.

    Attributes:
        create_time_before: Exclusive.
    """

    channel: str | None = None
    state: RuleSetState | None = None
    create_time_min: datetime | None = None
    create_time_before: datetime | None = None
    oldest_first: bool = False


class RuleSets(Table[str, RuleSet]):
    """The table `rule_set`."""

    async def active(self, tx: Tx, channel: str) -> RuleSet | None:
        """Read the rule set that a channel's lines are matched by; None where the default is."""
        for rule_set in await self.select(tx, "channel = $1 AND state = 'ACTIVE'", channel):
            return rule_set
        return None

    async def lock_active(self, tx: Tx, channels: list[str]) -> Rows[str, RuleSet]:
        """Lock the active rule sets of channels."""
        return await self.lock_where(tx, "channel = ANY($1::text[]) AND state = 'ACTIVE'", channels)

    async def next_version(self, tx: Tx, channel: str) -> int:
        """Return the version that a new rule set of a channel gets, and keep others from taking it."""
        await tx.fetch(_LOCK_VERSIONS, _VERSIONS_LOCK)
        return int((await tx.fetch(_NEXT_VERSION, channel))[0]["version"])

    async def list(self, tx: Tx, wanted: RuleSetFilter, *, after: TimeKey | None, limit: int) -> Found[RuleSet]:
        """List rule sets as asked for, from after a (create_time, rule_set_id) on."""
        return await rule_set_walk.page(tx, wanted, after=after, limit=limit)


async def reopen(tx: Tx, channel: str, *, since: date, limit: int) -> dict[int, str]:
    """Have the newest lines since a day looked at as if they had just come; the status that each had.

    Lines that have an outcome lose it, so this belongs into a step that is undone.
    """
    return {row["line_no"]: row["status"] for row in await tx.fetch(_REOPEN, channel, since, limit)}


async def statuses(tx: Tx, line_nos: Sequence[int]) -> dict[int, str]:
    """Return the status of the lines that have one."""
    return {row["line_no"]: row["status"] for row in await tx.fetch(_STATUSES, list(line_nos))}


@cache
def default_rules() -> str:
    """Read the rules of channels that have none of their own, as TOML."""
    return _FILES.joinpath("default.toml").read_text(encoding="utf-8")


rule_sets = RuleSets(RuleSet, "rule_set", key="rule_set_id", changing=("state", "activator", "update_time"))

rule_set_walk = Walk(rule_sets, scopes=((),))
