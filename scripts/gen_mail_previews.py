"""Write what each mail looks like: docs/templates, and the golden mails of every event version.

    python -m scripts.gen_mail_previews

Run it after a change of a template, or of an event that people are told of, and read the difference.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from paykit.events.goldens import Golden
from paykit.testing import goldens
from services.notification.domain import examples, rendering
from services.notification.domain.occurrences import TELLINGS, occurrence_of
from services.notification.domain.rendering import LANGUAGES, Mail
from services.notification.domain.topics import TOPICS, RecipientKind
from services.notification.store.templates import templates

ROOT = Path(__file__).resolve().parents[1]
PREVIEWS = Path("docs/templates")
GOLDENS = Path("tests/unit/notification/goldens")


def previews() -> Iterator[tuple[Path, str]]:
    """Yield the path and text of every preview: each template in each language, for each kind of recipient."""
    for name, topic in TOPICS.items():
        for language in LANGUAGES:
            for kind in topic.recipient_kinds:
                about = examples.about(kind, locale=language)
                mail = templates().render(name, rendering.view_of(examples.EXAMPLES[name], about))
                path = PREVIEWS / name / f"{kind.lower()}.{language}"
                yield path.with_name(f"{path.name}.txt"), f"Subject: {mail.subject}\n\n{mail.text}"
                yield path.with_name(f"{path.name}.html"), f"{mail.html}\n"


def golden_mails() -> Iterator[tuple[Path, str]]:
    """Yield the path and text of the golden mails of each event, of all its versions, languages and recipients."""
    for event in TELLINGS:
        versions = goldens.goldens(event.TOPIC, event.RECORD)
        texts = [f"{_title(*at)}\n{_shown(mail)}" for golden in versions for at, mail in mails_of(golden).items()]
        yield GOLDENS / event.TOPIC / f"{event.RECORD.rpartition('.')[2]}.txt", "\n".join(texts)


def mails_of(golden: Golden) -> Mapping[tuple[int, str, RecipientKind], Mail]:
    """Write the mails of an event's worked example, by version, language and recipient; none where nobody is told."""
    told = occurrence_of(goldens.event(golden))
    if told is None:
        return {}
    return {
        (golden.version, language, kind): templates().render(
            told.template, rendering.view_of(told.facts, examples.about(kind, locale=language))
        )
        for language in LANGUAGES
        for kind in TOPICS[told.template].recipient_kinds
    }


def _title(version: int, language: str, kind: RecipientKind) -> str:
    return f"=== version {version}, {language}, {kind.lower()} ==="


def _shown(mail: Mail) -> str:
    return f"Subject: {mail.subject}\n\n{mail.text}"


def main() -> None:
    """Write all of them."""
    for path, text in (*previews(), *golden_mails()):
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
