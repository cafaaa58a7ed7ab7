"""What a template sees of a notification: text alone, ready to be shown."""

from dataclasses import dataclass
from datetime import UTC, tzinfo

from services.notification.domain.facts import Facts
from services.notification.domain.rendering.language import amount_text, date_text, language_of, locale_of, moment_text
from services.notification.domain.rendering.names import harmless
from services.notification.domain.rendering.words import TOLD_TO_PAYERS, reason_text
from services.notification.domain.topics import RecipientKind


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """For whom a mail is and whose business it is about, as it was looked up.

    Attributes:
        locale: The recipient's language tag; None where nobody said.
        merchant_name: The name that its payers know; None where no merchant is.
        support_address: Where the merchant's payers ask; None where it named none.
        zone: Of the recipient's dates.
    """

    recipient_kind: RecipientKind
    locale: str | None = None
    merchant_name: str | None = None
    support_address: str | None = None
    zone: tzinfo = UTC


@dataclass(frozen=True, slots=True, kw_only=True)
class MailView:
    """What a template shows; None where there is nothing of the kind."""

    language: str
    recipient: str
    merchant: str
    support: str | None
    reference: str | None
    resource_id: str
    occurred: str
    amount: str | None
    fee: str | None
    total: str | None
    reserve: str | None
    reported: str | None
    reason: str | None
    code: str | None
    respond_by: str | None
    last_four: str | None
    change: str | None
    channel: str | None
    line_count: int | None
    difference_count: int | None
    value_date: str | None


def view_of(facts: Facts, about: About) -> MailView:
    """Write facts in the language of a recipient."""
    language, locale = language_of(about.locale), locale_of(about.locale)

    def money(amount_minor: int | None, currency_code: str | None = facts.currency_code) -> str | None:
        return (
            None if amount_minor is None or currency_code is None else amount_text(amount_minor, currency_code, locale)
        )

    return MailView(
        language=language,
        recipient=about.recipient_kind.lower(),
        merchant=harmless(about.merchant_name or facts.merchant_name or "paystream"),
        support=_shown(about.support_address),
        reference=_shown(facts.reference),
        resource_id=facts.resource_id,
        occurred=moment_text(facts.occurred_at, locale, about.zone),
        amount=money(facts.amount_minor),
        fee=money(facts.fee_minor or None),
        total=money(facts.total_minor),
        reserve=money(facts.reserve_minor or None),
        reported=money(facts.reported_minor, facts.reported_currency_code),
        reason=_reason(facts.reason, about.recipient_kind, language),
        code=_shown(facts.code),
        respond_by=moment_text(facts.respond_by, locale, about.zone) if facts.respond_by else None,
        last_four=_shown(facts.last_four),
        change=reason_text(facts.change, language) if facts.change else None,
        channel=_shown(facts.channel),
        line_count=facts.line_count,
        difference_count=facts.difference_count,
        value_date=date_text(facts.value_date, locale) if facts.value_date else None,
    )


def _reason(reason: str | None, recipient_kind: RecipientKind, language: str) -> str | None:
    if reason is None or reason == "UNKNOWN":
        return None
    tells = recipient_kind is not RecipientKind.PAYER or reason in TOLD_TO_PAYERS
    return reason_text(reason, language) if tells else None


def _shown(text: str | None) -> str | None:
    return harmless(text) if text else None
