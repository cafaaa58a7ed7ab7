"""Keyset paging (AIP-158): a page token holds the last row's sort key and the list it belongs to."""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Sequence
from datetime import datetime

from paykit.clock import from_micros, micros_since_epoch
from paykit.errors import FieldInvalid, PageTokenInvalid

PAGE_SIZE_DEFAULT = 50
PAGE_SIZE_MAX = 1000
"""Rows in one page; a larger request gets this many."""

_BIGINT_END = 1 << 63
_SURROGATE = re.compile("[\ud800-\udfff]")

TimeKey = tuple[datetime, str]
"""The create_time and the id of a resource: the sort key of lists that show the newest first."""


def page_size(requested: int) -> int:
    """Return the number of rows to return for a requested size; 0 means the default.

    Raises:
        FieldInvalid: The size is negative.
    """
    if requested < 0:
        raise FieldInvalid("page_size must not be negative.", field="page_size")
    return min(requested or PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX)


def encode_page_token(values: Sequence[str | int], scope: Sequence[object]) -> str:
    """Make the token of the page after the row with these sort values, for the list and filters named by scope."""
    body = json.dumps([_digest(scope), *values], separators=(",", ":"))
    return base64.urlsafe_b64encode(body.encode()).decode().rstrip("=")


def decode_page_token(token: str, scope: Sequence[object], *, kinds: Sequence[type]) -> list[str | int] | None:
    """Return the sort values a token was made from, checked to be of these types; None for the first page.

    Raises:
        PageTokenInvalid: The token is malformed, or was made for another list or other filters.
    """
    if not token:
        return None
    try:
        body = json.loads(base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True))
        digest: str = body[0]
        values: list[str | int] = body[1:]
    except (binascii.Error, ValueError, TypeError, LookupError, RecursionError) as error:
        raise PageTokenInvalid("page_token is malformed.", field="page_token") from error
    if digest != _digest(scope):
        raise PageTokenInvalid("page_token was made for another list or other filters.", field="page_token")
    if [type(value) for value in values] != list(kinds) or not all(map(_is_sortable, values)):
        raise PageTokenInvalid("page_token is malformed.", field="page_token")
    return values


def encode_time_token(key: TimeKey, scope: Sequence[object]) -> str:
    """Make the token of the page after the resource with this key; exact to the microsecond."""
    return encode_page_token([micros_since_epoch(key[0]), key[1]], scope)


def decode_time_token(token: str, scope: Sequence[object]) -> TimeKey | None:
    """Return the key that a page starts after; None for the first page.

    Raises:
        PageTokenInvalid: The token is malformed, or was made for another list or other filters.
    """
    values = decode_page_token(token, scope, kinds=(int, str))
    try:
        return (from_micros(int(values[0])), str(values[1])) if values else None
    except OverflowError as error:
        raise PageTokenInvalid("page_token is malformed.", field="page_token") from error


def _is_sortable(value: str | int) -> bool:
    """Return whether PostgreSQL can compare a value with a column: a bigint, or a text that is UTF-8 without NUL."""
    if isinstance(value, int):
        return -_BIGINT_END <= value < _BIGINT_END
    return "\0" not in value and not _SURROGATE.search(value)


def _digest(scope: Sequence[object]) -> str:
    return hashlib.sha256(repr(tuple(scope)).encode()).hexdigest()[:16]
