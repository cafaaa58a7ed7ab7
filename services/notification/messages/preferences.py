"""Preferences on the wire."""

from paykit.serve.timestamps import to_timestamp
from paystream.notification.v1 import notification_pb2 as pb
from services.notification.commands.preferences import SetPreferences
from services.notification.domain.preferences import Preferences, TopicPreference


def to_preferences(preferences: Preferences) -> pb.Preferences:
    """Make the resource."""
    return pb.Preferences(
        merchant_id=preferences.merchant_id,
        locale=preferences.locale or "",
        topics=map(_to_topic, preferences.topics),
        etag=preferences.etag,
        update_time=to_timestamp(preferences.update_time) if preferences.update_time else None,
    )


def from_set_preferences(request: pb.SetPreferencesRequest) -> SetPreferences:
    """Read what a merchant wants from now on."""
    return SetPreferences(
        merchant_id=request.merchant_id,
        locale=request.locale or None,
        topics=tuple(map(_from_topic, request.topics)),
        etag=request.etag,
    )


def _to_topic(topic: TopicPreference) -> pb.TopicPreference:
    return pb.TopicPreference(
        template=topic.template, muted=topic.muted, payer_muted=topic.payer_muted, addresses=topic.addresses
    )


def _from_topic(topic: pb.TopicPreference) -> TopicPreference:
    return TopicPreference(
        template=topic.template,
        muted=topic.muted,
        payer_muted=topic.payer_muted,
        addresses=tuple(topic.addresses),
    )
