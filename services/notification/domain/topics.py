"""The mails that there are: what each is about, and for whom."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from paykit.errors import DomainError, Kind


class RecipientKind(StrEnum):
    """Whom a notification is for."""

    MERCHANT = "MERCHANT"
    PAYER = "PAYER"
    OPERATOR = "OPERATOR"


class TemplateNotFound(DomainError):
    """No template has this name."""

    kind = Kind.NOT_FOUND
    reason = "TEMPLATE_NOT_FOUND"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailTopic:
    """What one template is about.

    Attributes:
        name: Of the template, and of the topic in preferences.
        recipient_kinds: Whom it is for.
        on_request: Whether merchants get it only at addresses that they gave for it.
    """

    name: str
    recipient_kinds: tuple[RecipientKind, ...]
    on_request: bool = False


_MERCHANT, _PAYER, _OPERATOR = RecipientKind.MERCHANT, RecipientKind.PAYER, RecipientKind.OPERATOR

_ALL = (
    MailTopic(name="merchant_welcome", recipient_kinds=(_MERCHANT,)),
    MailTopic(name="order_created", recipient_kinds=(_PAYER, _MERCHANT), on_request=True),
    MailTopic(name="order_paid", recipient_kinds=(_MERCHANT,)),
    MailTopic(name="payment_success", recipient_kinds=(_PAYER, _MERCHANT), on_request=True),
    MailTopic(name="payment_failed", recipient_kinds=(_PAYER, _MERCHANT), on_request=True),
    MailTopic(name="refund_success", recipient_kinds=(_PAYER, _MERCHANT), on_request=True),
    MailTopic(name="dispute_opened", recipient_kinds=(_MERCHANT,)),
    MailTopic(name="dispute_due_soon", recipient_kinds=(_MERCHANT,)),
    MailTopic(name="settlement_completed", recipient_kinds=(_MERCHANT,)),
    MailTopic(name="withdrawal_approval_needed", recipient_kinds=(_MERCHANT, _OPERATOR)),
    MailTopic(name="withdrawal_completed", recipient_kinds=(_MERCHANT,)),
    MailTopic(name="withdrawal_failed", recipient_kinds=(_MERCHANT,)),
    MailTopic(name="bank_account_changed", recipient_kinds=(_MERCHANT,)),
    MailTopic(name="webhook_endpoint_stopped", recipient_kinds=(_MERCHANT,)),
    MailTopic(name="reconciliation_alert", recipient_kinds=(_OPERATOR,)),
)

TOPICS: Mapping[str, MailTopic] = MappingProxyType({topic.name: topic for topic in _ALL})
"""By name, in the order of the line."""


def require(name: str) -> MailTopic:
    """Return a topic.

    Raises:
        TemplateNotFound: There is none of this name.
    """
    if name not in TOPICS:
        raise TemplateNotFound("No template has this name.", field="template", template=name)
    return TOPICS[name]
