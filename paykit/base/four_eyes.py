"""Whether two names are one person's: what one person proposed, another decides. Pure."""

import unicodedata


def same_person(name: str, other: str) -> bool:
    """Compare two names of callers as people write them: without case, outer spaces and forms of one character.

    Until callers have identities that are proved, `Ann`, ` ann` and `ANN` must count as one.
    """
    return _folded(name) == _folded(other)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).strip()
