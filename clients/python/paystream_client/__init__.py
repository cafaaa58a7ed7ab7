"""Clients of paystream's services and readers of its events.

- `connect`, `connect_async`: channels for the generated stubs in `paystream.<service>.v1`, with deadlines, retries and
  typed errors.
- `errors`: what a failed call raises; `retries`: what is tried again.
- `events`: events of messages (extra `events`).
- `testing`: worked examples of events, a server with canned answers (extra `testing`).
"""

from paystream_client.channels import connect, connect_async
from paystream_client.errors import (
    AbortedError,
    AlreadyExistsError,
    CallError,
    DeadlineExceededError,
    FailedPreconditionError,
    FieldViolation,
    InternalError,
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
    ResourceExhaustedError,
    UnauthenticatedError,
    UnavailableError,
    to_call_error,
)
from paystream_client.retries import Retries

__all__ = [
    "AbortedError",
    "AlreadyExistsError",
    "CallError",
    "DeadlineExceededError",
    "FailedPreconditionError",
    "FieldViolation",
    "InternalError",
    "InvalidArgumentError",
    "NotFoundError",
    "PermissionDeniedError",
    "ResourceExhaustedError",
    "Retries",
    "UnauthenticatedError",
    "UnavailableError",
    "connect",
    "connect_async",
    "to_call_error",
]
