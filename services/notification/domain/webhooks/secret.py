"""Which secrets of an endpoint sign its deliveries. Pure; the secrets themselves are derived (`signing`)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

SECRETS_MAX = 2
"""Secrets that sign at one time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSecret:
    """A secret of an endpoint.

    Attributes:
        number: From 1; the largest is the newest.
        key_fingerprint: Of the platform's key that it is derived of.
        create_time: Real time.
        expire_time: Real time until which it signs; None for the newest.
    """

    endpoint_id: str
    number: int
    key_fingerprint: str
    create_time: datetime
    expire_time: datetime | None = None

    def signs(self, at: datetime) -> bool:
        """Whether it signs at a real time."""
        return self.expire_time is None or at < self.expire_time


def rotate(
    secrets: Sequence[WebhookSecret], *, overlap: timedelta, key_fingerprint: str, at: datetime
) -> tuple[list[WebhookSecret], WebhookSecret]:
    """Return the secrets that a rotation ends, and the new one.

    Args:
        secrets: All of the endpoint.
        overlap: How long the newest still signs; what a rotation before left in its overlap ends at once.
        key_fingerprint: Of the platform's present key.
        at: Real time.
    """
    newest = max(secrets, key=lambda secret: secret.number)
    ended = [replace(s, expire_time=at) for s in secrets if s is not newest and s.signs(at)]
    ended.append(replace(newest, expire_time=at + overlap))
    new = WebhookSecret(
        endpoint_id=newest.endpoint_id, number=newest.number + 1, key_fingerprint=key_fingerprint, create_time=at
    )
    return ended, new
