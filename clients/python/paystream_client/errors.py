"""What a failed call raises: a class for each status code, with what paystream says of the failure.

::

    CallError                    any other code, as CANCELLED and UNIMPLEMENTED
      InvalidArgumentError       correct the request: it can never succeed as it is
      NotFoundError              check the id
      AlreadyExistsError         it was asked for before, with other contents
      FailedPreconditionError    the state does not allow it now
      PermissionDeniedError      this caller may not
      UnauthenticatedError       the caller is not known
      AbortedError               somebody else was quicker: read again, decide again
      ResourceExhaustedError     send it again later, with the same request_id
      UnavailableError           the same, after the tries of `Retries`
      DeadlineExceededError      it may or may not have been done: send it again with the same request_id
      InternalError              a defect of paystream

Decide by the reason (docs/errors.md of paystream lists them), never by the text.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

_DETAILS_KEY = "grpc-status-details-bin"
_CORRELATION_KEY = "x-correlation-id"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldViolation:
    """A field that breaks a rule.

    Attributes:
        field: Its path, as in `amount.currency_code`.
        description: The rule in brackets where the proto has one, and a sentence for people.
    """

    field: str
    description: str


class CallError(grpc.aio.AioRpcError):
    """A call that failed, whichever kind of channel it was made through; also a `grpc.RpcError`.

    Attributes:
        reason: UPPER_SNAKE and stable; empty where the answer is not paystream's own, as that of a proxy.
        metadata: Facts for a program, by name.
        field_violations: The fields at fault.
        retry_delay_s: After how many seconds the same request may be sent again; None where that is not said.
        correlation_id: Finds the call in paystream's logs and events; empty where the answer has none.
    """

    def __init__(
        self, *, code: grpc.StatusCode, details: str, trailers: Iterable[tuple[str, str | bytes]], debug: str
    ) -> None:
        metadata = grpc.aio.Metadata(*((key, value) for key, value in trailers))
        super().__init__(code, grpc.aio.Metadata(), metadata, details, debug)
        by_key = dict(metadata)
        info, violations, self.retry_delay_s = _read(by_key.get(_DETAILS_KEY, b""))
        self.reason: str = info.reason
        self.metadata: Mapping[str, str] = MappingProxyType(dict(info.metadata))
        self.field_violations: tuple[FieldViolation, ...] = violations
        correlation_id = by_key.get(_CORRELATION_KEY, "")
        self.correlation_id: str = correlation_id if isinstance(correlation_id, str) else ""

    def __str__(self) -> str:
        """Name code and reason before the text."""
        return " ".join(filter(None, [self.code().name, self.reason])) + f": {self.details()}"


class InvalidArgumentError(CallError):
    """Correct the request: it can never succeed as it is."""


class NotFoundError(CallError):
    """Check the id."""


class AlreadyExistsError(CallError):
    """What was asked for was asked before with other contents."""


class FailedPreconditionError(CallError):
    """The state does not allow it now: read the resource; the metadata says what stands in the way."""


class PermissionDeniedError(CallError):
    """This caller may not."""


class UnauthenticatedError(CallError):
    """The caller is not known."""


class AbortedError(CallError):
    """Somebody else was quicker: read the resource again, and decide again."""


class ResourceExhaustedError(CallError):
    """Send the same request again, with the same request_id, after `retry_delay_s`."""


class UnavailableError(CallError):
    """Nothing answers, or a part that paystream stands on cannot be reached: send the same request again later."""


class DeadlineExceededError(CallError):
    """It may or may not have been done: send the same request again with the same request_id."""


class InternalError(CallError):
    """A defect of paystream; `metadata["error_id"]` finds it in its logs."""


_BY_CODE: Mapping[grpc.StatusCode, type[CallError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidArgumentError,
    grpc.StatusCode.NOT_FOUND: NotFoundError,
    grpc.StatusCode.ALREADY_EXISTS: AlreadyExistsError,
    grpc.StatusCode.FAILED_PRECONDITION: FailedPreconditionError,
    grpc.StatusCode.PERMISSION_DENIED: PermissionDeniedError,
    grpc.StatusCode.UNAUTHENTICATED: UnauthenticatedError,
    grpc.StatusCode.ABORTED: AbortedError,
    grpc.StatusCode.RESOURCE_EXHAUSTED: ResourceExhaustedError,
    grpc.StatusCode.UNAVAILABLE: UnavailableError,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceededError,
    grpc.StatusCode.INTERNAL: InternalError,
}


def to_call_error(error: grpc.RpcError) -> CallError:
    """Read an error of gRPC; the channels of this package do so themselves, but for calls that stream."""
    if isinstance(error, CallError):
        return error
    failed: Any = error  # An error of gRPC is the call that failed, which its type does not say.
    code: grpc.StatusCode = failed.code()
    return _BY_CODE.get(code, CallError)(
        code=code,
        details=failed.details() or "",
        trailers=[(key, value) for key, value in failed.trailing_metadata() or ()],
        debug=failed.debug_error_string() or "",
    )


def _read(packed: str | bytes) -> tuple[error_details_pb2.ErrorInfo, tuple[FieldViolation, ...], float | None]:
    info, bad, retry = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
    retry_delay_s = None
    for detail in _status(packed).details:
        detail.Unpack(info)
        detail.Unpack(bad)
        if detail.Unpack(retry):
            retry_delay_s = retry.retry_delay.ToTimedelta().total_seconds()
    found = [FieldViolation(field=each.field, description=each.description) for each in bad.field_violations]
    return info, tuple(found), retry_delay_s


def _status(packed: str | bytes) -> status_pb2.Status:
    """Parse the details; those of something else, as a proxy, count as none."""
    try:
        return status_pb2.Status.FromString(packed if isinstance(packed, bytes) else b"")
    except DecodeError:
        return status_pb2.Status()
