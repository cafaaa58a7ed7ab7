"""Stated reasons on the wire."""

from paykit.reasons.stated_reason import StatedReason
from paykit.serve.timestamps import to_timestamp
from paystream.common.v1 import stated_reason_pb2 as pb


def to_stated_reason(stated: StatedReason) -> pb.StatedReason | None:
    """Make the message; None, which leaves the field absent, where nobody stated one."""
    if stated.stated_reason is None:
        return None
    return pb.StatedReason(
        reason=stated.stated_reason,
        caller=stated.stated_by or "",
        create_time=to_timestamp(stated.stated_time) if stated.stated_time else None,
    )
