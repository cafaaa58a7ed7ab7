"""What mails say: amounts and dates by hand, and names that would do harm shown harmlessly."""

import dataclasses
import email
import re
from datetime import UTC, datetime
from email.policy import default
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import jinja2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.notification.domain import examples, rendering
from services.notification.domain.facts import Facts
from services.notification.domain.rendering import LANGUAGES, About, Mail, Templates, language_of
from services.notification.domain.rendering.language import amount_text, date_text, locale_of, moment_text
from services.notification.domain.rendering.names import NAME_CHARS_MAX, harmless
from services.notification.domain.rendering.words import WORDS
from services.notification.domain.topics import TOPICS, RecipientKind
from services.notification.jobs.composing import compose
from services.notification.store.templates import templates
from tests.unit.notification.notifications import queued

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</mj-text><mj-raw><script>alert(2)</script></mj-raw><mj-text>",
    "{{ 7 * 7 }}{% for x in y %}",
    "Shop\r\nBcc: victim@bank.example\r\n\r\nGet rich",
    "Shop\nSubject: other",
    "Shop\u2028Bcc: victim@bank.example\u2029x",
    "Shop\x85X-Injected: yes",
    "invoice \u202egnp.exe \u2066\u2067",
    "\u05e9\u05dc\u05d5\u05dd 1,000",
    "a\x00b\x1bc\u200b\ufeff",
    "x" * 10_000,
    "&lt;already&gt; &amp; escaped",
    "\ud800 lone",
    "]]> <!-- --> <![CDATA[",
)
FORBIDDEN_SIGNS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2067\ufeff\ud800-\udfff]")


class Tags(HTMLParser):
    """The tags and texts of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def written(template: str, facts: Facts, about: About) -> Mail:
    return templates().render(template, rendering.view_of(facts, about))


def named(name: str, language: str = "en") -> Mail:
    """A mail to a payer in which a name stands wherever one can."""
    facts = dataclasses.replace(examples.EXAMPLES["payment_success"], reference=name)
    about = About(
        recipient_kind=RecipientKind.PAYER, locale=language, merchant_name=name, support_address="help@tea.example"
    )
    return written("payment_success", facts, about)


@pytest.mark.parametrize(
    ("amount_minor", "currency_code", "tag", "text"),
    [
        (129_950, "USD", "en", "$1,299.50"),
        (129_950, "USD", "zh-CN", "US$1,299.50"),
        (1, "USD", "en", "$0.01"),
        (5_000_000, "JPY", "en", "¥5,000,000"),
        (5_000_000, "JPY", "zh-CN", "JP¥5,000,000"),
        (1_234_567, "BHD", "en", "BHD1,234.567"),
        # Babel writes these two without decimals, where ISO 4217 has two.
        (150, "HUF", "en", "HUF1.50"),
        (199, "IQD", "en", "IQD0.199"),
        (88_800, "CNY", "zh-CN", "¥888.00"),
        (-500, "EUR", "en", "-€5.00"),
        (2**53 - 1, "USD", "en", "$90,071,992,547,409.91"),
        (129_950, "USD", "en-GB", "US$1,299.50"),
        (7, "QQQ", "en", "7 minor units of QQQ"),
    ],
)
def test_an_amount_has_its_currencys_own_decimals(amount_minor: int, currency_code: str, tag: str, text: str) -> None:
    assert amount_text(amount_minor, currency_code, locale_of(tag)).replace("\xa0", "") == text


def test_a_moment_is_told_in_the_recipients_zone_and_language() -> None:
    moment = datetime(2026, 3, 1, 18, 30, tzinfo=UTC)
    shanghai = ZoneInfo("Asia/Shanghai")
    assert moment_text(moment, locale_of("zh-CN"), shanghai) == "2026年3月2日 +0800 02:30:00"
    assert moment_text(moment, locale_of("en"), UTC).replace("\u202f", " ") == "March 1, 2026, 6:30:00 PM UTC"
    assert date_text("2026-02-28", locale_of("zh-CN")) == "2026年2月28日"
    assert date_text("yesterday", locale_of("en")) == "yesterday"


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        *((tag, "zh-CN") for tag in ("zh", "zh-CN", "zh-Hans", "zh_TW", "ZH-cn", "zh-Hant-HK")),
        *((tag, "en") for tag in (None, "", "en", "en-GB", "de", "de-AT", "x-klingon", "nonsense-tag-here", "zhx")),
    ],
)
def test_a_language_tag_has_a_language_that_mails_are_in(tag: str | None, language: str) -> None:
    assert language_of(tag) == language
    assert locale_of(tag).language == language.partition("-")[0]


def test_each_language_has_the_same_words() -> None:
    assert {frozenset(words) for words in WORDS.values()} == {frozenset(WORDS["en"])}
    assert set(WORDS) == set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_shown_harmlessly(name: str, language: str) -> None:
    mail, tame = named(name, language), named("tame", language)
    assert Tags(mail.html).tags == Tags(tame.html).tags
    assert len(mail.text.splitlines()) == len(tame.text.splitlines())
    for part in (mail.subject, mail.text, mail.html):
        assert not FORBIDDEN_SIGNS.search(part)
    assert "\n" not in mail.subject
    assert len(mail.subject) <= 200
    assert len(mail.text) < len(tame.text) + 6 * NAME_CHARS_MAX
    assert "49" not in mail.subject


def test_a_name_is_still_itself() -> None:
    assert harmless("Tea & Sons <Ltd>") == "Tea & Sons <Ltd>"
    assert harmless("  Caf\u00e9\t\u8336  ") == "Caf\u00e9 \u8336"
    assert harmless("x" * 10_000) == "x" * 119 + "…"
    assert harmless("\u05e9\u05dc\u05d5\u05dd") == "\u2068\u05e9\u05dc\u05d5\u05dd\u2069"
    assert "<script>alert(1)</script>" in Tags(named(HOSTILE[0]).html).texts


@given(st.text(max_size=300))
@example("\u202e")
def test_any_text_becomes_one_short_line_of_what_can_be_seen(text: str) -> None:
    line = harmless(text)
    assert len(line) <= NAME_CHARS_MAX + 2
    assert len(line.splitlines()) <= 1
    assert not FORBIDDEN_SIGNS.search(line)
    line.encode()


@pytest.mark.parametrize("name", HOSTILE)
def test_no_header_of_a_mail_can_be_broken(name: str) -> None:
    notification = queued(template="payment_success", facts=examples.EXAMPLES["payment_success"])
    about = About(
        recipient_kind=RecipientKind.PAYER, locale="en", merchant_name=name, support_address="help@tea.example"
    )
    content, language = compose(notification, about, sender="pay@paystream.example", recipient="jo@home.example")
    message = email.message_from_bytes(content, policy=default)
    assert language == "en"
    assert set(message.keys()) == {
        *("Message-ID", "Date", "From", "To", "Reply-To", "Subject", "Content-Language", "Auto-Submitted"),
        *("X-Paystream-Template", "X-Paystream-Notification", "MIME-Version", "Content-Type"),
    }
    assert message["From"].addresses[0].addr_spec == "pay@paystream.example"
    assert len(message["From"].addresses) == len(message["To"].addresses) == 1
    assert all(len(line) <= 998 for line in content.splitlines())
    assert content.isascii()


def test_the_same_notification_is_the_same_mail_to_the_byte() -> None:
    notification = queued(template="order_paid", facts=examples.EXAMPLES["order_paid"])
    about = examples.about(RecipientKind.MERCHANT, locale="zh-CN")
    mails = [compose(notification, about, sender="pay@paystream.example", recipient="jo@home.example") for _ in "ab"]
    assert mails[0] == mails[1]


def test_a_template_that_shows_what_is_not_there_is_wrong() -> None:
    body = "{% block subject %}x{% endblock %}"
    sources = {
        **{f"{language}/base": body for language in LANGUAGES},
        **{f"{language}/absent": body + "{{ m.fee }}" for language in LANGUAGES},
        **{f"{language}/misspelt": body + "{{ m.amuont }}" for language in LANGUAGES},
    }
    view = rendering.view_of(examples.EXAMPLES["order_paid"], examples.about(RecipientKind.MERCHANT, locale="en"))
    for name in ("absent", "misspelt"):
        with pytest.raises(jinja2.UndefinedError):
            Templates(sources).render(name, view)


def test_a_payer_is_not_told_what_is_suspected_and_pays_no_fees() -> None:
    facts = dataclasses.replace(examples.EXAMPLES["payment_failed"], reason="FRAUD_SUSPECTED", fee_minor=30)
    shown = {
        kind: rendering.view_of(facts, examples.about(kind, locale="en")).reason
        for kind in (RecipientKind.PAYER, RecipientKind.MERCHANT)
    }
    assert shown == {RecipientKind.PAYER: None, RecipientKind.MERCHANT: "declined for security reasons"}
    facts = dataclasses.replace(examples.EXAMPLES["payment_success"], fee_minor=3_799)
    assert "37.99" not in written("payment_success", facts, examples.about(RecipientKind.PAYER, locale="en")).text


def test_every_topic_has_an_example_and_a_template_in_each_language() -> None:
    assert set(examples.EXAMPLES) == set(TOPICS)


def test_no_mail_asks_for_anything_from_elsewhere() -> None:
    for name, topic in TOPICS.items():
        mail = written(name, examples.EXAMPLES[name], examples.about(topic.recipient_kinds[0], locale="en"))
        assert set(re.findall(r"https?://[\w./-]+", mail.html)) <= {"http://www.w3.org/1999/xhtml"}
        assert not re.search(r"(?i)<(img|link|script|iframe)\b|url\(", mail.html)
