"""What the runtime does about an error follows from what the driver and SQLAlchemy raise."""

import asyncio

import asyncpg
import pytest
import sqlalchemy.exc

from paykit.base.errors import CommitUnknownError, UnavailableError
from paykit.postgres.faults import Fault, sort


def wrapped(error: Exception) -> sqlalchemy.exc.DBAPIError:
    """Wrap a driver's error as SQLAlchemy's asyncpg dialect does: twice."""
    adapted = Exception("adapted")
    adapted.__cause__ = error
    return sqlalchemy.exc.DBAPIError("SELECT 1", {}, adapted)


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (asyncpg.SerializationError("x"), Fault.CONFLICT),
        (asyncpg.DeadlockDetectedError("x"), Fault.CONFLICT),
        (asyncpg.InvalidCachedStatementError("x"), Fault.CONFLICT),
        (asyncpg.LockNotAvailableError("x"), Fault.LOCKED),
        (asyncpg.ConnectionDoesNotExistError("x"), Fault.UNAVAILABLE),
        (asyncpg.TooManyConnectionsError("x"), Fault.UNAVAILABLE),
        (asyncpg.AdminShutdownError("x"), Fault.UNAVAILABLE),
        (asyncpg.CannotConnectNowError("x"), Fault.UNAVAILABLE),
        (asyncpg.IdleInTransactionSessionTimeoutError("x"), Fault.UNAVAILABLE),
        (asyncpg.InvalidCatalogNameError("x"), Fault.UNAVAILABLE),
        (asyncpg.InterfaceError("connection is closed"), Fault.UNAVAILABLE),
        (asyncpg.InterfaceError("cannot perform operation: connection is closed"), Fault.UNAVAILABLE),
        (asyncpg.InternalClientError("cannot switch to state 12"), Fault.UNAVAILABLE),
        (ConnectionRefusedError(), Fault.UNAVAILABLE),
        (TimeoutError(), Fault.UNAVAILABLE),
        (sqlalchemy.exc.TimeoutError("QueuePool limit of size 8 reached"), Fault.UNAVAILABLE),
        (UnavailableError("x"), Fault.UNAVAILABLE),
        (CommitUnknownError("x"), Fault.UNAVAILABLE),
        (asyncpg.UniqueViolationError("x"), Fault.UNEXPECTED),
        (asyncpg.CheckViolationError("x"), Fault.UNEXPECTED),
        (asyncpg.DataError("invalid input for query argument $1"), Fault.UNEXPECTED),
        (asyncpg.InterfaceError("the server expects 1 argument for this query, 0 were passed"), Fault.UNEXPECTED),
        (asyncpg.InterfaceError("cannot perform operation: another operation is in progress"), Fault.UNEXPECTED),
        (RuntimeError("x"), Fault.UNEXPECTED),
        (asyncio.CancelledError(), Fault.UNEXPECTED),
    ],
)
def test_an_error_is_sorted_by_what_can_be_done_about_it(error: BaseException, fault: Fault) -> None:
    assert sort(error) is fault


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (asyncpg.DeadlockDetectedError("x"), Fault.CONFLICT),
        (asyncpg.UniqueViolationError("x"), Fault.UNEXPECTED),
        (ConnectionResetError(), Fault.UNAVAILABLE),
    ],
)
def test_an_error_that_sqlalchemy_wrapped_is_sorted_by_its_core(error: Exception, fault: Fault) -> None:
    assert sort(wrapped(error)) is fault
