"""What is used of grpcio beyond its public interface, and whether an installed version has it."""

import inspect
from collections.abc import Mapping
from typing import Any

PARTS: Mapping[str, tuple[str, ...]] = {
    "AioServer._make_request_call_future": ("self", "method_bytes"),
    "AioServer._request_registered_call": ("self", "method"),
    "PollerCompletionQueue._handle_events": ("self", "context_loop"),
    "_ServicerContext.abort": ("self", "code", "details", "trailing_metadata"),
    "_handle_stream_stream_rpc": ("method_handler", "rpc_state", "loop"),
    "_handle_stream_unary_rpc": ("method_handler", "rpc_state", "loop"),
    "_handle_unary_stream_rpc": ("method_handler", "rpc_state", "loop"),
    "_handle_unary_unary_rpc": ("method_handler", "rpc_state", "loop"),
    "_schedule_rpc_coro": ("rpc_coro", "rpc_state", "loop", "method_name"),
    "get_working_loop": (),
}
"""What is used of grpcio, with the names of its parameters."""


def fits(core: Any) -> bool:
    """Return whether a version of grpcio's core has all that is used of it, as it is used."""
    return all(_parameters(core, path) == names for path, names in PARTS.items())


def _parameters(core: Any, path: str) -> tuple[str, ...] | None:
    part = core
    for name in path.split("."):
        part = getattr(part, name, None)
    try:
        return tuple(inspect.signature(part).parameters)
    except (TypeError, ValueError):
        return None
