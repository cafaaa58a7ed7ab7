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


def require_another(decider: str | None, *, than: str, role: str) -> str:
    """Return the name of who decides.

    Args:
        decider: The caller's name; None for one without a name.
        than: The name of who asked.
        role: What that person is called, as in proposer.

    Raises:
        SamePerson: The caller has no name, or is that person.
    """
    if decider is None or same_person(decider, than):
        raise SamePerson(f"Another person than the {role} decides, by name.", **{role: than})
    return decider


def folded(name: str) -> str:
    """Return the form of a name that is the same for one person."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).strip()
