"""What a merchant wants of notifications: its language, where each topic goes to, and what it wants none of."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from paykit import addresses
from paykit.aggregate import require_etag
from paykit.clock import no_earlier
from paykit.errors import FieldInvalid
from services.notification.domain.topics import TOPICS


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicPreference:
    """What a merchant wants of one topic.

    Attributes:
        template: The topic's name.
        muted: The merchant gets none.
        payer_muted: Its payers get none.
        addresses: Where the merchant's go to; none for its own address.
    """

    template: str
    muted: bool = False
    payer_muted: bool = False
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """What a merchant wants.

    Attributes:
        locale: Language tag of its mails; None for the merchant's own.
        topics: In the order of their names.
        version: From 1, one more with every change; 0 where none were ever set.
        update_time: None where none were ever set.
    """

    merchant_id: str
    locale: str | None = None
    topics: tuple[TopicPreference, ...] = ()
    version: int = 0
    update_time: datetime | None = None

    @property
    def etag(self) -> str:
        """Changes with every change; opaque to callers, empty where none were ever set."""
        return f"v{self.version}" if self.version else ""

    def of(self, template: str) -> TopicPreference:
        """Return what is wanted of a topic."""
        return next((topic for topic in self.topics if topic.template == template), TopicPreference(template=template))


def put(
    preferences: Preferences, *, locale: str | None, topics: Iterable[TopicPreference], etag: str, now: datetime
) -> Preferences:
    """Replace preferences; the same again leaves them as they are.

    Raises:
        EtagMismatch: They changed since the caller read them.
        FieldInvalid: A topic is no template, or comes twice.
        EmailInvalid: An address is not one plain e-mail address, so that no mail could be written to it.
    """
    require_etag(etag, preferences.etag, merchant_id=preferences.merchant_id)
    given = tuple(topics)
    _check(given)
    ordered = tuple(sorted(given, key=lambda topic: topic.template))
    if (locale, ordered) == (preferences.locale, preferences.topics):
        return preferences
    update_time = no_earlier(now, preferences.update_time or now)
    return replace(preferences, locale=locale, topics=ordered, version=preferences.version + 1, update_time=update_time)


def _check(topics: Sequence[TopicPreference]) -> None:
    names = [topic.template for topic in topics]
    if len(set(names)) < len(names):
        raise FieldInvalid("A topic comes twice.", field="topics")
    if unknown := sorted(set(names) - set(TOPICS)):
        raise FieldInvalid(f"{unknown[0]} is no template.", field="topics")
    for number, topic in enumerate(topics):
        for place, address in enumerate(topic.addresses):
            addresses.require_email(address, field=f"topics[{number}].addresses[{place}]")
