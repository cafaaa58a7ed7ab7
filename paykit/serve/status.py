"""How refusals and failures look on the wire: a google.rpc.Status with one ErrorInfo, always.

Source: google.rpc error model, AIP-193.
"""

from collections.abc import Mapping
from types import MappingProxyType

import grpc
from google.protobuf import any_pb2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from paykit.errors import DomainError, Kind
from paykit.serve.validation.validator import FieldViolation, RequestInvalid

DOMAIN = "paystream"
INTERNAL_REASON = "INTERNAL"
DETAILS_KEY = "grpc-status-details-bin"

# Messages travel twice in the trailers, percent-encoded once, and peers refuse trailers above 8 KiB.
MESSAGE_CHARACTERS_MAX = 512
FIELD_CHARACTERS_MAX = 256

CODES: Mapping[Kind, grpc.StatusCode] = MappingProxyType(
    {
        Kind.INVALID_ARGUMENT: grpc.StatusCode.INVALID_ARGUMENT,
        Kind.NOT_FOUND: grpc.StatusCode.NOT_FOUND,
        Kind.ALREADY_EXISTS: grpc.StatusCode.ALREADY_EXISTS,
        Kind.FAILED_PRECONDITION: grpc.StatusCode.FAILED_PRECONDITION,
        Kind.PERMISSION_DENIED: grpc.StatusCode.PERMISSION_DENIED,
        Kind.UNAUTHENTICATED: grpc.StatusCode.UNAUTHENTICATED,
        Kind.RESOURCE_EXHAUSTED: grpc.StatusCode.RESOURCE_EXHAUSTED,
        Kind.ABORTED: grpc.StatusCode.ABORTED,
        Kind.UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
        Kind.DEADLINE_EXCEEDED: grpc.StatusCode.DEADLINE_EXCEEDED,
        Kind.INTERNAL: grpc.StatusCode.INTERNAL,
    }
)

_BY_NUMBER = {code.value[0]: code for code in grpc.StatusCode}


def to_status(error: DomainError, *, item_path: str = "", help_url: str = "") -> status_pb2.Status:
    """Describe a refusal: ErrorInfo always, BadRequest where fields are at fault, RetryInfo where time alone can help.

    Args:
        error: The refusal.
        item_path: Where the refused item of a batch stands, as in `requests[3]`; leads the names of its fields.
        help_url: Where docs/errors.md can be read, for a Help that links to the reason there; empty for none.
    """
    return status_pb2.Status(
        code=CODES[error.kind].value[0],
        message=_bounded(error.message),
        details=[_packed(detail) for detail in (*_details(error, item_path), *_help(error, help_url))],
    )


def internal_status(error_id: str) -> status_pb2.Status:
    """Describe a defect of paystream: nothing but the id under which the log has the rest."""
    info = error_details_pb2.ErrorInfo(reason=INTERNAL_REASON, domain=DOMAIN, metadata={"error_id": error_id})
    message = f"internal error {error_id}"
    return status_pb2.Status(code=grpc.StatusCode.INTERNAL.value[0], message=message, details=[_packed(info)])


def code_of(status: status_pb2.Status) -> grpc.StatusCode:
    """Return the gRPC code of a status."""
    return _BY_NUMBER[status.code]


def code_name(number: int) -> str:
    """Return the name of the gRPC code of a number."""
    return _BY_NUMBER[number].name


def trailer(status: status_pb2.Status) -> tuple[tuple[str, bytes], ...]:
    """Return the trailing metadata in which a status travels."""
    return ((DETAILS_KEY, status.SerializeToString()),)


def _details(error: DomainError, item_path: str) -> list[Message]:
    facts = {key: _bounded(str(value)) for key, value in error.metadata.items()}
    details: list[Message] = [error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=facts)]
    violations = _violations(error, item_path)
    if violations:
        details.append(
            error_details_pb2.BadRequest(field_violations=[_on_wire(violation, error) for violation in violations])
        )
    if error.retry_after_s is not None:
        details.append(error_details_pb2.RetryInfo(retry_delay=Duration(seconds=error.retry_after_s)))
    return details


def _help(error: DomainError, help_url: str) -> list[Message]:
    if not help_url:
        return []
    link = error_details_pb2.Help.Link(description=f"What {error.reason} means", url=f"{help_url}#{error.reason}")
    return [error_details_pb2.Help(links=[link])]


def _violations(error: DomainError, item_path: str) -> tuple[FieldViolation, ...]:
    if isinstance(error, RequestInvalid):
        return error.violations  # Validation names fields from the request already.
    if error.field is None:
        return ()
    field = error.field if error.field.startswith(item_path) else f"{item_path}.{error.field}"
    return (FieldViolation(field=field, rule="", description=error.message),)


def _on_wire(violation: FieldViolation, error: DomainError) -> error_details_pb2.BadRequest.FieldViolation:
    """Write a violation: the reason is the refusal's own, the rule leads the description, as in `[int64.gt] ...`."""
    ruled = f"[{violation.rule}] {violation.description}" if violation.rule else violation.description
    return error_details_pb2.BadRequest.FieldViolation(
        field=_bounded(violation.field, FIELD_CHARACTERS_MAX),
        description=_bounded(ruled, FIELD_CHARACTERS_MAX),
        reason=error.reason,
    )


def _packed(detail: Message) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(detail)
    return packed


def _bounded(text: str, characters_max: int = MESSAGE_CHARACTERS_MAX) -> str:
    """Cut a text that may repeat what the caller sent; NUL, which no reply holds, is shown as what cannot be shown."""
    text = text.replace("\0", "\ufffd")
    return text if len(text) <= characters_max else text[: characters_max - 3] + "..."
