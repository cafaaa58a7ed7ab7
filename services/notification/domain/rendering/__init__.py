"""How a mail is written: in which language, with which words, amounts and dates, and names shown harmlessly."""

from services.notification.domain.rendering.language import LANGUAGES, language_of
from services.notification.domain.rendering.mail import Mail, Templates
from services.notification.domain.rendering.view import About, MailView, view_of

__all__ = ["LANGUAGES", "About", "Mail", "MailView", "Templates", "language_of", "view_of"]
