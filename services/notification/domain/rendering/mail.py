"""From a template and what it shows to a mail: MJML that becomes HTML, and plain text, of one source.

A template says its words once, as blocks and calls of `paragraph`, `table` and `row`. What these look like stands in
`mjml/parts` and `text/parts`, and what stands around them in `layout`; `base` of each language has the words of the
frame. Text from outside is escaped wherever HTML is made (autoescape), and a name that is not there is an error.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jinja2
import mjml

from services.notification.domain.rendering.language import LANGUAGES
from services.notification.domain.rendering.names import harmless
from services.notification.domain.rendering.view import MailView

SUBJECT_CHARS_MAX = 200

_FORMS = ("mjml", "text")
_BLANK_LINES = re.compile(r"\n{3,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A mail as it is written, to nobody yet."""

    subject: str
    text: str
    html: str
    language: str


class Templates:
    """All templates, compiled once.

    Args:
        sources: By path without ending, as in `en/order_paid` and `mjml/layout`.
    """

    def __init__(self, sources: Mapping[str, str]) -> None:
        self._environments = {
            (form, language): _environment(sources, form, language) for form in _FORMS for language in LANGUAGES
        }

    def render(self, template: str, view: MailView) -> Mail:
        """Write a mail.

        Raises:
            jinja2.TemplateError: The template is wrong.
        """
        plain = self._environments["text", view.language].get_template(template)
        text = _BLANK_LINES.sub("\n\n", plain.render(m=view)).strip()
        subject = harmless("".join(plain.blocks["subject"](plain.new_context({"m": view}))), limit=SUBJECT_CHARS_MAX)
        markup = self._environments["mjml", view.language].get_template(template).render(m=view)
        html: str = mjml.mjml2html(markup)
        return Mail(subject=subject, text=f"{text}\n", html=html, language=view.language)


def _environment(sources: Mapping[str, str], form: str, language: str) -> jinja2.Environment:
    def source(name: str) -> str | None:
        folder = form if name in {"layout", "parts"} else language
        return sources.get(f"{folder}/{name}")

    return jinja2.Environment(
        loader=jinja2.FunctionLoader(source),
        autoescape=form == "mjml",  # noqa: S701 - plain text has nothing to escape
        undefined=jinja2.StrictUndefined,
        finalize=_require,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _require(value: Any) -> Any:
    """Refuse to show what is not there: a template asks first."""
    if value is None:
        raise jinja2.UndefinedError("a template shows what is not there")
    return value
