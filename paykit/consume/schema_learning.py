"""Asks the registry for schema ids that records name and nobody here has seen, with patience for late ones."""

import time

import structlog

from paykit.base.errors import UnavailableError
from paykit.consume.application import Application
from paykit.consume.delivery import Record
from paykit.events.codec import UndecodableError
from paykit.events.registry import SchemaNotFoundError

SCHEMA_UNKNOWN_GRACE_S = 60.0
"""How long the registry may answer 404 for a schema id before its records are dead letters."""

_log = structlog.get_logger()


class SchemaLearning:
    """The schema ids that the registry does not know, and since when."""

    def __init__(self, application: Application, *, unknown_grace_s: float) -> None:
        self._application = application
        self._unknown_grace_s = unknown_grace_s
        self._unknown_since: dict[int, float] = {}

    async def is_decidable(self, record: Record) -> bool:
        """Whether a record can be decided on now: its schema is known, undecodable, or unknown for too long."""
        schema_id = self._application.unknown_schema(record)
        if schema_id is None:
            return True
        try:
            await self._application.learn(record)
        except UndecodableError:
            return True
        except UnavailableError as error:
            _log.warning("registry_unavailable", schema_id=schema_id, error=str(error))
            return False
        except SchemaNotFoundError:
            since = self._unknown_since.setdefault(schema_id, time.monotonic())
            if time.monotonic() - since <= self._unknown_grace_s:
                return False
            self._application.give_up(schema_id)
            return True
        self._unknown_since.pop(schema_id, None)
        return True
