"""Decisions that take two people: names are compared as people would, until identities are proven. Pure."""

import unicodedata

from paykit.errors import DomainError, Kind


class SamePerson(DomainError):
    """Who decides must have a name, and be another than who asked."""

    kind = Kind.PERMISSION_DENIED
    reason = "SAME_PERSON"


def same_person(one: str, other: str) -> bool:
    """Compare two names as people write them: without case, outer spaces and forms of one character."""
    return _folded(one) == _folded(other)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).strip()
