"""What a transaction needs of a pooled connection: that it lives, its COMMIT is answered, and it comes back clean."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from paykit.base.errors import CommitUnknownError, DefectError
from paykit.postgres import connecting, faults
from paykit.postgres.faults import Fault


async def live_driver(connection: AsyncConnection) -> Any:
    """Return the driver's connection, past all that ended while they lay in the pool: PostgreSQL was restarted."""
    driver = (await connection.get_raw_connection()).driver_connection
    while driver is None or driver.is_closed():
        await connection.invalidate()
        driver = (await connection.get_raw_connection()).driver_connection
    return driver


async def give_back(connection: AsyncConnection, driver: Any, *, reusable: bool) -> None:
    """Give a connection back clean, or not at all: its state after a failed rollback is unknown.

    One to a server that takes no writes any more is not reusable either: another server does by now.
    """
    if not await connecting.end_transaction(driver) or not reusable:
        driver.terminate()
        await connection.invalidate()


async def commit(connection: AsyncConnection, driver: Any) -> None:
    """Commit, and believe nothing but the answer to it.

    Raises:
        CommitUnknownError: The connection broke meanwhile.
        DefectError: A statement had failed before.
    """
    try:
        outcome = await driver.execute("COMMIT")
    except BaseException as error:
        driver.terminate()
        await connection.invalidate()
        if faults.sort(error) is Fault.UNAVAILABLE:
            raise CommitUnknownError("the connection was lost during COMMIT", part="postgresql") from error
        raise
    # PostgreSQL rolls a transaction back in which a statement failed, and answers its COMMIT without an error.
    if outcome != "COMMIT":
        raise DefectError(f"COMMIT was answered by {outcome}: a statement had failed, and its error was swallowed")
