"""What docs/templates and the golden mails show is what is written today, of every event version in every language."""

from pathlib import Path
from typing import Any

import pytest

from paykit.testing import goldens
from scripts.gen_mail_previews import GOLDENS, PREVIEWS, ROOT, golden_mails, mails_of, previews
from services.notification.domain.occurrences import TELLINGS
from services.notification.domain.rendering import LANGUAGES
from services.notification.domain.topics import TOPICS

RENEW = "is not what is written now: run python -m scripts.gen_mail_previews and read the difference"


def files_under(folder: Path) -> set[Path]:
    return {path.relative_to(ROOT) for path in (ROOT / folder).rglob("*") if path.is_file()}


def test_every_preview_is_fresh() -> None:
    written = dict(previews())
    assert files_under(PREVIEWS) == set(written)
    for path, text in written.items():
        assert (ROOT / path).read_text(encoding="utf-8") == text, f"{path} {RENEW}"


def test_every_golden_mail_is_fresh() -> None:
    written = dict(golden_mails())
    assert files_under(GOLDENS) == set(written)
    for path, text in written.items():
        assert (ROOT / path).read_text(encoding="utf-8") == text, f"{path} {RENEW}"


@pytest.mark.parametrize("event", TELLINGS, ids=lambda event: event.RECORD)
def test_every_version_of_an_event_makes_its_mails_in_every_language(event: Any) -> None:
    telling = TELLINGS[event]
    kinds = TOPICS[telling.template].recipient_kinds
    for golden in goldens.goldens(event.TOPIC, event.RECORD):
        mails = mails_of(golden)
        assert {(language, kind) for _, language, kind in mails} in (
            {(language, kind) for language in LANGUAGES for kind in kinds},
            set(),
        )
        assert all(mail.subject and mail.text and mail.html for mail in mails.values())


def test_every_template_is_sent_for_some_event() -> None:
    sent = {telling.template for telling in TELLINGS.values()}
    assert sent == set(TOPICS)
