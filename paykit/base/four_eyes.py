"""Decisions that take two people: names are compared as people would, until identities are proven. Pure."""

import unicodedata

from paykit.errors import DomainError, Kind


class SamePerson(DomainError):
    """Who decides must have a name, and be another than who asked."""

    kind = Kind.PERMISSION_DENIED
    reason = "SAME_PERSON"


def same_person(one: str, other: str) -> bool:
    """Compare two names as people write them: without case, outer spaces and forms of one character."""
    return folded(one) == folded(other)


def folded(name: str) -> str:
    """Return the form of a name that is the same for one person."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).strip()
