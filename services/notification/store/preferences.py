"""The SQL of merchants' preferences."""

import json

from paykit.postgres.table import Table
from services.notification.domain.preferences import Preferences, TopicPreference


def _topics(text: str) -> tuple[TopicPreference, ...]:
    return tuple(
        TopicPreference(
            template=topic["template"],
            muted=topic["muted"],
            payer_muted=topic["payer_muted"],
            addresses=tuple(topic["addresses"]),
        )
        for topic in json.loads(text)
    )


def _topics_json(preferences: Preferences) -> str:
    return json.dumps(
        [
            {
                "template": topic.template,
                "muted": topic.muted,
                "payer_muted": topic.payer_muted,
                "addresses": topic.addresses,
            }
            for topic in preferences.topics
        ]
    )


preferences: Table[str, Preferences] = Table(
    Preferences,
    "preferences",
    key="merchant_id",
    changing=("locale", "topics", "version", "update_time"),
    readers={"topics": _topics},
    writers={"topics": _topics_json},
    sql_types={"topics": "text"},
)
