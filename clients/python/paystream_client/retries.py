"""Which calls are made again, and when."""

import random
from dataclasses import dataclass
from functools import cache
from typing import Any

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.message import Message

from paystream_client.errors import CallError


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """How often, and how long after.

    Attributes:
        tries_max: Of a call, the first one included; 1 tries nothing again.
        delay_s: Before the second try, at most; doubled with each further one. A random part of it is waited, so that
            callers who failed together do not come back together.
        delay_s_max: Before any try.
    """

    tries_max: int = 5
    delay_s: float = 0.1
    delay_s_max: float = 2.0

    def after(self, error: CallError, *, tried: int) -> float | None:
        """Return the seconds to wait before the call is made again; None when it should not be.

        Args:
            error: What the last try ended with.
            tried: Tries so far.
        """
        heals = error.code() is grpc.StatusCode.UNAVAILABLE or (
            error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED and error.retry_delay_s is not None
        )
        if not heals or tried >= self.tries_max:
            return None
        delay_s: float = min(self.delay_s * 2 ** (tried - 1), self.delay_s_max)
        jittered_s = delay_s * random.random()  # noqa: S311 - spreads callers, hides nothing.
        return max(jittered_s, min(error.retry_delay_s or 0.0, self.delay_s_max))


def is_repeatable(method: str, request: object) -> bool:
    """Say whether a call may be made twice: it changes nothing, or all that it asks for carries a request_id.

    Args:
        method: As on the wire, `/paystream.payment.v1.PaymentService/CreatePayment`.
        request: Its message.
    """
    return _reads(method) or (isinstance(request, Message) and _has_request_ids(request))


@cache
def _reads(method: str) -> bool:
    """Whether the contract says of a method that it changes nothing; of one that is not known here it does not."""
    service, _, name = method.strip("/").rpartition("/")
    try:
        described = descriptor_pool.Default().FindServiceByName(service).methods_by_name[name]
    except KeyError:
        return False
    level: int = described.GetOptions().idempotency_level
    return level == descriptor_pb2.MethodOptions.NO_SIDE_EFFECTS


def _has_request_ids(request: Message) -> bool:
    fields = request.DESCRIPTOR.fields_by_name
    if "request_id" in fields:
        return bool(getattr(request, "request_id"))  # noqa: B009 - a field of some messages.
    items = [item for field in fields.values() if _is_list_of_requests(field) for item in getattr(request, field.name)]
    return bool(items) and all(item.request_id for item in items)


def _is_list_of_requests(field: Any) -> bool:
    return field.is_repeated and field.message_type is not None and "request_id" in field.message_type.fields_by_name
