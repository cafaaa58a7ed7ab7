"""What the platform allows webhooks, and the key of their secrets, by its settings."""

from paykit.base.config import Settings
from services.notification.domain.webhooks.addresses import AddressPolicy

_DEVELOPMENT_KEY = b"only for development, where nobody has set a key of webhooks"


def key_of(settings: Settings) -> bytes | None:
    """Return the key of which secrets are derived; None where a production platform has set none."""
    if settings.webhook_key is not None:
        return settings.webhook_key.get_secret_value().encode()
    return _DEVELOPMENT_KEY if settings.environment == "development" else None


def policy_of(settings: Settings) -> AddressPolicy:
    """Return where webhooks may go."""
    development = settings.environment == "development"
    return AddressPolicy(
        http_allowed=development or settings.webhook_http_allowed,
        high_ports_allowed=development or settings.webhook_high_ports_allowed,
        loopback_allowed=development and settings.webhook_loopback_allowed,
    )
