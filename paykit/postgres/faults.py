"""Sorts what PostgreSQL and its driver raise, once, by what the runtime does about it."""

from enum import StrEnum

import asyncpg

from paykit.base.errors import UnavailableError
from paykit.postgres.contention import RowsLockedError


class Fault(StrEnum):
    """What to do about a database error."""

    CONFLICT = "conflict"
    """Serialization failure, deadlock or a rival's row: the same work ends otherwise when run again."""
    LOCKED = "locked"
    """A row was locked by another for longer than the lane allows."""
    UNAVAILABLE = "unavailable"
    """No connection, or it was lost: infrastructure, never data."""
    UNEXPECTED = "unexpected"
    """Anything else: a defect, or data that breaks a constraint."""


UniqueViolation = asyncpg.UniqueViolationError
"""What a statement raises that another row with its unique key stands against: it can be done anew, otherwise."""

_CONFLICT_STATES = frozenset({"40001", "40P01"})
_RIVAL_KEYS = ("_merchant_reference_key", "_request_key")
"""Of unique constraints that are looked at before a row is inserted: only a rival at the same time can break them, and
the same work run again sees what it committed."""
_LOCKED_STATES = frozenset({"55P03"})
_READ_ONLY = "25006"
_UNAVAILABLE_CLASSES = ("08", "28", "53", "57", "58", "XX")
"""SQLSTATE classes: connection, authorization (a role or password being changed), insufficient resources, operator
intervention (also timeouts), system error, internal error (damaged data)."""
_UNAVAILABLE_STATES = frozenset({_READ_ONLY, "25P03", "25P04", "3D000"})
"""A server that takes no writes, timeouts of an idle and of a long transaction, a database that is not there."""
_UNAVAILABLE = (OSError, TimeoutError, asyncpg.InternalClientError, UnavailableError)
"""Without a state. The driver's internal error is what a process that stood still meets, when the awaited answer comes
with the server's farewell."""


def sort(error: BaseException) -> Fault:
    """Say what a failed statement or connection means."""
    cause = _root(error)
    state = getattr(cause, "sqlstate", None)
    if isinstance(cause, asyncpg.InvalidCachedStatementError):  # A migration changed a table under a prepared plan.
        return Fault.CONFLICT
    if isinstance(cause, UniqueViolation) and str(cause.constraint_name).endswith(_RIVAL_KEYS):
        return Fault.CONFLICT
    if isinstance(cause, RowsLockedError):
        return Fault.LOCKED
    if isinstance(state, str):
        return _sort_state(state)
    if isinstance(cause, asyncpg.InterfaceError):  # Of a closed connection, or of code that misuses an open one.
        return Fault.UNAVAILABLE if "closed" in str(cause) else Fault.UNEXPECTED
    # SQLAlchemy's own timeout means that every connection of the pool stayed in use.
    unavailable = isinstance(cause, _UNAVAILABLE) or _is_of_sqlalchemy(cause, "TimeoutError")
    return Fault.UNAVAILABLE if unavailable else Fault.UNEXPECTED


def is_read_only(error: BaseException) -> bool:
    """Return whether the server takes no writes: it was demoted, or set read-only."""
    return getattr(_root(error), "sqlstate", None) == _READ_ONLY


def _sort_state(state: str) -> Fault:
    if state in _CONFLICT_STATES:
        return Fault.CONFLICT
    if state in _LOCKED_STATES:
        return Fault.LOCKED
    if state.startswith(_UNAVAILABLE_CLASSES) or state in _UNAVAILABLE_STATES:
        return Fault.UNAVAILABLE
    return Fault.UNEXPECTED


def _root(error: BaseException) -> BaseException:
    """SQLAlchemy wraps the driver's error twice; the state is on the innermost."""
    wrapped: BaseException | None = getattr(error, "orig", None) if _is_of_sqlalchemy(error, "DBAPIError") else None
    return error if wrapped is None else wrapped.__cause__ or wrapped


def _is_of_sqlalchemy(error: BaseException, name: str) -> bool:
    """Tell its errors by their names: migrations alone use it, and services start sooner without importing it."""
    return any(each.__module__ == "sqlalchemy.exc" and each.__name__ == name for each in type(error).__mro__)
