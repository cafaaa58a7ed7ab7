"""When a delivery is tried, and how long an endpoint may fail. Pure.

Source: the delays that the Standard Webhooks specification recommends, cut to three days.
"""

import hashlib
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

RETRY_DELAYS_S = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 64_800, 79_200)
"""The waits after each failed try: 5 s, 5 min, 30 min, 2, 5, 10, 14, 18 and 22 hours, just under three days in all."""
ATTEMPTS_MAX = len(RETRY_DELAYS_S) + 1
JITTER_MAX = 0.1
"""A wait is longer by up to this part, so that what failed together is not tried together."""
FAILING_AFTER = timedelta(days=5)
"""An endpoint whose every try failed for this long is paused."""
RETRY_AFTER_MAX_S = 6 * 3_600
"""The longest wait that a receiver may ask for by Retry-After."""
_DIGITS_MAX = 10


def retry_delay(delivery_id: str, attempt_count: int) -> timedelta | None:
    """Return the wait after so many failed tries, the same for one delivery whoever asks; None after the last."""
    if attempt_count >= ATTEMPTS_MAX:
        return None
    digest = hashlib.sha256(f"{delivery_id}:{attempt_count}".encode()).digest()
    share = int.from_bytes(digest[:4]) / 2**32
    return timedelta(seconds=RETRY_DELAYS_S[attempt_count - 1] * (1 + JITTER_MAX * share))


def retry_after(header: str | None, now: datetime) -> timedelta | None:
    """Return the wait that Retry-After asks for, seconds or a date, within bounds; None where it says none."""
    text = (header or "").strip()
    if text.isascii() and text.isdecimal() and len(text) <= _DIGITS_MAX:
        asked = timedelta(seconds=min(int(text), RETRY_AFTER_MAX_S))
    else:
        date = _http_date(text)
        if date is None:
            return None
        asked = date - now
    return min(asked, timedelta(seconds=RETRY_AFTER_MAX_S)) if asked > timedelta(0) else None


def _http_date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
        return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
