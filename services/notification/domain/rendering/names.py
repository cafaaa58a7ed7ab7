"""Text that others wrote, made harmless: it can break no line, turn no text around, and fill no page."""

import unicodedata

NAME_CHARS_MAX = 120
"""Characters of a name that are shown."""

_FIRST_STRONG_ISOLATE, _POP_ISOLATE = "\u2068", "\u2069"
_RIGHT_TO_LEFT = frozenset({"R", "AL"})
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Categories that are no part of a name: controls, line ends, directions, surrogates, and what is not assigned."""


def harmless(text: str, *, limit: int = NAME_CHARS_MAX) -> str:
    """Return a text as one line of what can be seen, cut at a number of characters.

    A text that is written from right to left is isolated, so that what stands around it keeps its order.
    """
    # Long texts are cut first: what is not shown need not be looked at.
    seen = "".join(" " if unicodedata.category(sign) in _UNSEEN else sign for sign in text[: 4 * limit])
    line = " ".join(seen.split())
    short = line if len(line) <= limit and len(text) <= 4 * limit else f"{line[: limit - 1].rstrip()}…"
    if any(unicodedata.bidirectional(sign) in _RIGHT_TO_LEFT for sign in short):
        return f"{_FIRST_STRONG_ISOLATE}{short}{_POP_ISOLATE}"
    return short
