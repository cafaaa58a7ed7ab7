"""What a payer has to do, on the wire: in the messages of channels and of payments alike."""

from collections.abc import Mapping
from types import MappingProxyType

from paykit.channels.actions.next_action import NextAction, NextActionKind
from paykit.serve.timestamps import from_optional, to_timestamp
from paystream.common.v1 import next_action_pb2 as pb

_CODES: Mapping[NextActionKind, pb.CodeFormat.ValueType] = MappingProxyType(
    {
        NextActionKind.DISPLAY_QR_CODE: pb.CODE_FORMAT_QR_CODE,
        NextActionKind.DISPLAY_VOUCHER: pb.CODE_FORMAT_VOUCHER,
    }
)
_KINDS = {wire: kind for kind, wire in _CODES.items()}


def to_next_action(action: NextAction) -> pb.NextAction:
    """Make the message."""
    expire_time = to_timestamp(action.expire_time) if action.expire_time else None
    match action.kind:
        case NextActionKind.REDIRECT_TO_URL:
            return pb.NextAction(redirect_to_url=pb.RedirectToUrl(url=action.url), expire_time=expire_time)
        case NextActionKind.THREE_D_SECURE_CHALLENGE:
            challenge = pb.ThreeDSecureChallenge(acs_url=action.url, creq=action.code)
            return pb.NextAction(three_d_secure_challenge=challenge, expire_time=expire_time)
        case NextActionKind.DISPLAY_QR_CODE | NextActionKind.DISPLAY_VOUCHER:
            shown = pb.DisplayCode(format=_CODES[action.kind], code=action.code, instructions_url=action.url)
            return pb.NextAction(display_code=shown, expire_time=expire_time)


def from_next_action(message: pb.NextAction) -> NextAction | None:
    """Read the message; None for a kind that is not known here."""
    expire_time = from_optional(message, "expire_time")
    match message.WhichOneof("action"):
        case "redirect_to_url":
            return NextAction(
                kind=NextActionKind.REDIRECT_TO_URL, url=message.redirect_to_url.url, expire_time=expire_time
            )
        case "three_d_secure_challenge":
            challenge = message.three_d_secure_challenge
            kind = NextActionKind.THREE_D_SECURE_CHALLENGE
            return NextAction(kind=kind, url=challenge.acs_url, code=challenge.creq, expire_time=expire_time)
        case "display_code" if message.display_code.format in _KINDS:
            shown = message.display_code
            kind = _KINDS[shown.format]
            return NextAction(kind=kind, url=shown.instructions_url, code=shown.code, expire_time=expire_time)
        case _:
            return None
