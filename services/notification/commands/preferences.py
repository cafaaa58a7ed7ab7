"""Setting what merchants want."""

from collections.abc import Sequence
from dataclasses import dataclass

from paykit.errors import DomainError
from paykit.postgres.database import Tx
from paykit.work import Rows, fold
from services.notification import domain, store
from services.notification.domain.preferences import Preferences, TopicPreference


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPreferences:
    """What a merchant wants from now on; an empty etag replaces any version."""

    merchant_id: str
    locale: str | None
    topics: tuple[TopicPreference, ...]
    etag: str


async def set_preferences(tx: Tx, items: Sequence[SetPreferences]) -> Sequence[Preferences | DomainError]:
    """Replace preferences as a whole; emits nothing."""
    # Rows of merchants that never set any are made first, so that two that do at once wait for each other.
    merchant_ids = {item.merchant_id for item in items}
    await store.preferences.insert_absent(tx, [Preferences(merchant_id=merchant_id) for merchant_id in merchant_ids])
    rows = await store.preferences.lock(tx, merchant_ids)
    results = fold(items, lambda item: _set(tx, rows, item))
    await tx.save(rows)
    return results


def _set(tx: Tx, rows: Rows[str, Preferences], item: SetPreferences) -> Preferences:
    before = rows[item.merchant_id]
    after = domain.preferences.put(before, locale=item.locale, topics=item.topics, etag=item.etag, now=tx.now)
    return before if after is before else rows.put(after)
