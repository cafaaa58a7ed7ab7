"""Who calls. There is no authentication yet: callers are believed, and names only scope request ids and audit trails.

An authenticator is a function from the call's metadata to the caller's name; it raises a DomainError of kind
UNAUTHENTICATED or PERMISSION_DENIED to refuse. The server takes it as an argument, so that one which checks keys or
tokens replaces `declared_caller` without another change.
"""

import re
from collections.abc import Callable, Mapping

from paykit.base.call import current_call
from paykit.serve.validation import card_numbers

CALLER_KEY = "paystream-caller"
ANONYMOUS = "anonymous"

Authenticator = Callable[[Mapping[str, str | bytes]], str]

# What may stand in events, logs and headers for ever, coming from outside.
_NAME = re.compile(r"[A-Za-z0-9._:@/-]{1,128}", re.ASCII)


def declared_caller(metadata: Mapping[str, str | bytes]) -> str:
    """Believe the metadata `paystream-caller`; without it, or if it is no plain name, the caller is anonymous."""
    return plain_name(metadata.get(CALLER_KEY)) or ANONYMOUS


def named_caller() -> str | None:
    """Return the name of the caller in progress; None without one: who has none could be anybody."""
    caller = current_call().caller
    return None if caller == ANONYMOUS else caller


def plain_name(value: str | bytes | None) -> str | None:
    """Return a name from outside if it is fit to be kept: at most 128 plain characters and no card number."""
    if not isinstance(value, str) or _NAME.fullmatch(value) is None or card_numbers.holds_card_number(value):
        return None
    return value
