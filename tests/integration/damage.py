"""Rows changed as nobody can through a service."""

import asyncpg


async def damage(admin_url: str, *statements: str) -> None:
    """Run statements that no trigger sees."""
    connection = await asyncpg.connect(admin_url)
    await connection.execute("; ".join(("SET session_replication_role = replica", *statements)))
    await connection.close()
