"""What the simulated payer has to do, and what becomes of it. Pure.

The pages and codes lead nowhere: SetOutcome plays the payer, or the amount does.
"""

from datetime import datetime
from urllib.parse import urlencode

from paykit.channels.actions import next_action as next_actions
from paykit.channels.actions.next_action import NextAction, NextActionKind

REFUSED = "authentication_failed"
"""The decline code where the payer does not do what it has to."""
EXPIRED = "action_expired"
"""The decline code where the payer did not do it in time."""
CALLED_OFF = "cancelled"
"""The decline code of what was cancelled before the payer had done it."""

_PAYER = "https://payer.simulator.example"
# The CReq of a challenge for the transaction 00000000-0000-0000-0000-000000000000.
_CREQ = (
    "eyJ0aHJlZURTU2VydmVyVHJhbnNJRCI6IjAwMDAwMDAwLTAwMDAtMDAwMC0wMDAwLTAwMDAwMDAwMDAwMCIsIm1lc3NhZ2VUeXBlIjoiQ1JlcSIs"
    "Im1lc3NhZ2VWZXJzaW9uIjoiMi4yLjAifQ"
)


def may_be_called_off(kind: NextActionKind | None) -> bool:
    """Return whether Cancel ends what waits for this; a voucher may be paid at any counter until its time is over."""
    return kind is not None and kind is not NextActionKind.DISPLAY_VOUCHER


def required(kind: NextActionKind, reference: str, *, return_url: str, expire_time: datetime) -> str:
    """Return what the payer has to do, as `paykit.channels.actions.next_action` writes it."""
    back = f"?{urlencode({'return_url': return_url})}" if return_url else ""
    match kind:
        case NextActionKind.REDIRECT_TO_URL:
            url, code = f"{_PAYER}/redirect/{reference}{back}", ""
        case NextActionKind.THREE_D_SECURE_CHALLENGE:
            url, code = f"{_PAYER}/challenge/{reference}", _CREQ
        case NextActionKind.DISPLAY_QR_CODE | NextActionKind.DISPLAY_VOUCHER:
            url, code = f"{_PAYER}/instructions", reference
    return next_actions.to_json(NextAction(kind=kind, url=url, code=code, expire_time=expire_time))


def decline_code(next_action: str, now: datetime) -> str:
    """Return why what waited for its payer is declined: the payer refused, or its time is over."""
    expire_time = next_actions.from_json(next_action).expire_time
    return EXPIRED if expire_time is not None and expire_time <= now else REFUSED
