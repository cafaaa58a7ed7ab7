"""What a payer has to do before a channel decides: visit a page, answer its bank, or pay with a code. Pure.

It is secret: whoever has it may act as the payer. So it stands in no log and no event, and its text is in no repr.

Source: the words are Stripe's (`next_action`, `redirect_to_url`, `requires_action`); Adyen's `action` has the same
three kinds, and EMV 3-D Secure 2 the pair of ACS URL and CReq.
"""

import hashlib
import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

URL_CHARACTERS_MAX = 2_048
"""Of a page that a payer is sent to."""
CREQ_CHARACTERS_MAX = 8_192
"""Of a challenge request of 3-D Secure."""
CODE_CHARACTERS_MAX = 4_096
"""Of a code that is shown; a QR code holds 4,296 letters and digits at most."""

_URL = re.compile(
    r"(https://[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?|http://(localhost|127[.]0[.]0[.]1)(:[0-9]{1,5})?)([/?#][!-~]*)?"
)
_CREQ = re.compile(rf"[A-Za-z0-9_=-]{{1,{CREQ_CHARACTERS_MAX}}}")
_CODE = re.compile(rf"[^\x00-\x1f\x7f-\x9f]{{1,{CODE_CHARACTERS_MAX}}}")


class NextActionKind(StrEnum):
    """What the payer has to do."""

    REDIRECT_TO_URL = "REDIRECT_TO_URL"
    THREE_D_SECURE_CHALLENGE = "THREE_D_SECURE_CHALLENGE"
    DISPLAY_QR_CODE = "DISPLAY_QR_CODE"
    DISPLAY_VOUCHER = "DISPLAY_VOUCHER"


_K = NextActionKind


@dataclass(frozen=True, slots=True, kw_only=True)
class NextAction:
    """What a payer has to do.

    Attributes:
        url: The page of a redirect, the access control server of a challenge, or how to pay with a code; https, or http
            of this machine. Empty only with a code.
        code: The challenge request (CReq, base64url) of a challenge, or the code that is shown; empty with a redirect.
        expire_time: Until when it can be done; None where the channel does not say.
    """

    kind: NextActionKind
    url: str = field(default="", repr=False)
    code: str = field(default="", repr=False)
    expire_time: datetime | None = None

    @property
    def is_usable(self) -> bool:
        """Whether it has what its kind needs, within the bounds: what a channel sends is not taken on trust."""
        has_url = len(self.url) <= URL_CHARACTERS_MAX and _URL.fullmatch(self.url) is not None
        match self.kind:
            case _K.REDIRECT_TO_URL:
                return has_url and not self.code
            case _K.THREE_D_SECURE_CHALLENGE:
                return has_url and _CREQ.fullmatch(self.code) is not None
            case _K.DISPLAY_QR_CODE | _K.DISPLAY_VOUCHER:
                return (has_url or not self.url) and _CODE.fullmatch(self.code) is not None

    @property
    def digest(self) -> str:
        """What tells it from another one, whatever its time, without telling what it is: 32 hexadecimal digits."""
        return hashlib.sha256(repr((self.kind.value, self.url, self.code)).encode()).hexdigest()[:32]


def to_json(action: NextAction) -> str:
    """Write an action as the text that is kept of it."""
    expire_time = None if action.expire_time is None else action.expire_time.isoformat()
    return json.dumps({"kind": action.kind, "url": action.url, "code": action.code, "expire_time": expire_time})


def from_json(text: str) -> NextAction:
    """Read the text that is kept of an action."""
    kept = json.loads(text)
    expire_time = kept["expire_time"]
    return NextAction(
        kind=NextActionKind(kept["kind"]),
        url=kept["url"],
        code=kept["code"],
        expire_time=None if expire_time is None else datetime.fromisoformat(expire_time),
    )
