"""The versions of a service's schema that this build knows, read from the names of its migrations."""

import re
from pathlib import Path

import services

_NAME = re.compile(r"(?P<revision>(?P<service>[a-z]+)_(?P<number>\d{4}))_\w+\.py", re.ASCII)
"""A migration's file is named by its revision, whose number counts from 1, and a word on what it does."""


def migrations_of(service: str) -> Path:
    """Directory of a service's migrations."""
    return Path(services.__path__[0]) / service / "migrations"


def revisions_of(service: str) -> list[str]:
    """Return the revisions in their order, as in `payment_0015`; none of a service whose migrations stand elsewhere."""
    names = sorted(path.name for path in migrations_of(service).glob("*.py"))
    return [found["revision"] for name in names if (found := _NAME.fullmatch(name)) and found["service"] == service]


def number_of(revision: str) -> int:
    """Return a revision's place among those of its service, from 1."""
    return int(revision.rpartition("_")[2])
