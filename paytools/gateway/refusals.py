"""What the gateway answers itself, where no service was asked: the same JSON as a service's refusal."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from grpc import StatusCode

from paykit.serve.status import DOMAIN


class GatewayRefusal(NamedTuple):
    """Why the gateway answers itself.

    Attributes:
        code: Of gRPC.
        reason: Of ErrorInfo; docs/errors.md has it.
    """

    code: StatusCode
    reason: str


REFUSALS: Mapping[int, GatewayRefusal] = MappingProxyType(
    {
        400: GatewayRefusal(StatusCode.INVALID_ARGUMENT, "HTTP_REQUEST_INVALID"),
        403: GatewayRefusal(StatusCode.PERMISSION_DENIED, "HTTP_ORIGIN_REFUSED"),
        404: GatewayRefusal(StatusCode.NOT_FOUND, "HTTP_PATH_UNKNOWN"),
        408: GatewayRefusal(StatusCode.DEADLINE_EXCEEDED, "HTTP_REQUEST_SLOW"),
        413: GatewayRefusal(StatusCode.RESOURCE_EXHAUSTED, "HTTP_BODY_TOO_LARGE"),
        415: GatewayRefusal(StatusCode.NOT_FOUND, "HTTP_PATH_UNKNOWN"),
        431: GatewayRefusal(StatusCode.RESOURCE_EXHAUSTED, "HTTP_HEADERS_TOO_LARGE"),
        500: GatewayRefusal(StatusCode.INTERNAL, "HTTP_REPLY_INVALID"),
        502: GatewayRefusal(StatusCode.UNAVAILABLE, "HTTP_SERVICE_UNAVAILABLE"),
        503: GatewayRefusal(StatusCode.UNAVAILABLE, "HTTP_SERVICE_UNAVAILABLE"),
        504: GatewayRefusal(StatusCode.DEADLINE_EXCEEDED, "HTTP_SERVICE_SLOW"),
    }
)
"""By the HTTP status that the gateway answers with."""

FILE_INCOMPLETE = GatewayRefusal(StatusCode.UNAVAILABLE, "HTTP_FILE_INCOMPLETE")
"""A service failed in the midst of a file; answered with 503."""


def body(refusal: GatewayRefusal, text: str) -> dict[str, object]:
    """Return a google.rpc.Status with its ErrorInfo, as JSON has it.

    Args:
        refusal: Why.
        text: For people: what is said, or an expression that Envoy fills in.
    """
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": refusal.reason, "domain": DOMAIN}
    return {"code": refusal.code.value[0], "message": text, "details": [info]}
