"""The mail of a notification, as bytes: the same for every try, but for what a person changes meanwhile."""

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from services.notification import domain, store
from services.notification.domain.facts import Facts
from services.notification.domain.notification import Notification
from services.notification.domain.rendering import About
from services.notification.domain.rendering.names import harmless
from services.notification.domain.topics import RecipientKind


def compose(notification: Notification, about: About, *, sender: str, recipient: str) -> tuple[bytes, str]:
    """Write a mail to an address; returns it with the language it is in.

    Raises:
        ValueError: An address cannot stand in a header.
    """
    view = domain.rendering.view_of(Facts.from_json(notification.facts), about)
    mail = store.templates().render(notification.template, view)
    message = EmailMessage(policy=SMTP)
    message["Message-ID"] = f"<{notification.message_name}@{sender.rpartition('@')[2]}>"
    message["Date"] = notification.create_time
    message["From"] = Address(display_name=_sender_name(about), addr_spec=sender)
    message["To"] = Address(addr_spec=recipient)
    if about.recipient_kind is RecipientKind.PAYER and about.support_address:
        message["Reply-To"] = Address(addr_spec=about.support_address)
    message["Subject"] = mail.subject
    message["Auto-Submitted"] = "auto-generated"
    message["X-Paystream-Template"] = notification.template
    message["X-Paystream-Notification"] = notification.notification_id
    message.set_content(mail.text, cte="base64")
    message.add_alternative(mail.html, subtype="html", cte="base64")
    message["Content-Language"] = mail.language
    message.set_boundary(f"={notification.message_name}")
    return message.as_bytes(), mail.language


def _sender_name(about: About) -> str:
    return harmless(about.merchant_name) if about.merchant_name else "paystream"
