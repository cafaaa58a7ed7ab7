"""Where and in which language somebody is written to. Pure."""

import re

from paykit.errors import DomainError, FieldInvalid, Kind

EMAIL_CHARACTERS_MAX = 254
EMAIL_LOCAL_CHARACTERS_MAX = 64
"""Source: RFC 5321 section 4.5.3.1; the path with its angle brackets is at most 256."""

# The dot-atom form of RFC 5322 with a domain of at least two labels. Quoted local parts and address literals are valid
# too, but nobody's address in practice.
_EMAIL = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])"
)
# Language, script and region of BCP 47 in the usual case; variants and extensions say nothing to who writes a mail.
_LOCALE = re.compile(r"[a-z]{2,3}(?:-[A-Z][a-z]{3})?(?:-(?:[A-Z]{2}|[0-9]{3}))?")


class EmailInvalid(DomainError):
    """The text is not one plain e-mail address."""

    kind = Kind.INVALID_ARGUMENT
    reason = "EMAIL_INVALID"


def require_email(address: str, *, field: str) -> None:
    """Accept one address of the form that mail servers everywhere take.

    Raises:
        EmailInvalid: It is not such an address. The message does not repeat it.
    """
    local = address.partition("@")[0]
    fits = len(address) <= EMAIL_CHARACTERS_MAX and len(local) <= EMAIL_LOCAL_CHARACTERS_MAX
    if not fits or _EMAIL.fullmatch(address) is None:
        raise EmailInvalid(f"{field} must be one plain e-mail address.", field=field)


def require_locale(locale: str, *, field: str) -> None:
    """Accept a language of BCP 47 in its usual form, as in de, zh-Hans or pt-BR.

    Raises:
        FieldInvalid: It is none.
    """
    if _LOCALE.fullmatch(locale) is None:
        raise FieldInvalid(f"{field} must be a language of BCP 47, as in de-AT or zh-Hans.", field=field)
