"""Decisions that take two people: names are compared as people would, until identities are proven."""

from paykit.errors import DomainError, Kind


class SamePerson(DomainError):
    """Who decides must have a name, and be another than who asked."""

    kind = Kind.PERMISSION_DENIED
    reason = "SAME_PERSON"


def same_person(one: str, other: str) -> bool:
    """Return whether two names are one person's: letters' case and spaces around them make no difference."""
    return one.strip().casefold() == other.strip().casefold()
