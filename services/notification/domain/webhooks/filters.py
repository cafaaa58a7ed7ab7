"""Which events an endpoint is told of. Pure."""

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from paykit.errors import DomainError, Kind

_FILTER = re.compile(r"[A-Za-z*]+(\.[A-Za-z*]+)?")


class WebhookFilterInvalid(DomainError):
    """The filter is malformed, or no event that is sent fits it."""

    kind = Kind.INVALID_ARGUMENT
    reason = "WEBHOOK_FILTER_INVALID"


def matches(event_filters: Sequence[str], event_type: str) -> bool:
    """Return whether filters take a type such as payment.PaymentSuccess; none take everything."""
    if not event_filters:
        return True
    name = event_type.rpartition(".")[2]
    return any(fnmatchcase(event_type, f) or ("." not in f and fnmatchcase(name, f)) for f in event_filters)


def check(event_filters: Sequence[str], event_types: Iterable[str]) -> None:
    """Check that filters are well-formed, and that each takes one of the types that are sent.

    Raises:
        WebhookFilterInvalid: One is not, or takes none.
    """
    known = list(event_types)
    for at, one in enumerate(event_filters):
        if not _FILTER.fullmatch(one) or not any(matches([one], event_type) for event_type in known):
            raise WebhookFilterInvalid("No event fits the filter.", field=f"event_filters[{at}]", event_filter=one)
