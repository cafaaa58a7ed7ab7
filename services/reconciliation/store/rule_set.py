"""The SQL of rule sets, and the rules that ship."""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources

from paykit.paging import TimeKey
from paykit.postgres.database import Tx
from paykit.postgres.table import Table
from paykit.work import Rows
from services.reconciliation.domain.rule_set import RuleSet, RuleSetState

_NEXT_VERSION = "SELECT coalesce(max(version), 0) + 1 AS version FROM rule_set WHERE channel = $1"
_LOCK_VERSIONS = "SELECT pg_advisory_xact_lock($1)"
_VERSIONS_LOCK = 0x7275_6C65
_FILES = resources.files("services.reconciliation").joinpath("rules")


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSetFilter:
    """Which rule sets to list; None does not filter."""

    channel: str | None = None
    state: RuleSetState | None = None
    create_time_min: datetime | None = None
    create_time_before: datetime | None = None


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

    async def list(self, tx: Tx, wanted: RuleSetFilter, *, after: TimeKey | None, limit: int) -> list[RuleSet]:
        """List rule sets, newest first, from after a (create_time, rule_set_id) on."""
        return await self.page(tx, wanted, equal=("channel", "state"), after=after, limit=limit)


@cache
def default_rules() -> str:
    """Read the rules of channels that have none of their own, as TOML."""
    return _FILES.joinpath("default.toml").read_text(encoding="utf-8")


rule_sets = RuleSets(RuleSet, "rule_set", key="rule_set_id", changing=("state", "activator", "update_time"))
