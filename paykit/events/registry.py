"""A client of the Schema Registry: Confluent's API, which Confluent, Karapace and Apicurio speak.

Errors::

    SchemaNotFoundError        the registry answered: there is no such subject, version, schema or id
    SchemaRefusedError         the registry answered: not Avro, or incompatible
    RegistryUnavailableError   no answer, or not a useful one, after TRIES_MAX tries (an UnavailableError)
"""

import asyncio
import json
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
from typing import Any, Self, TypeVar
from urllib.parse import quote

import httpx

from paykit.base.errors import UnavailableError

Answer = TypeVar("Answer")

CONNECT_TIMEOUT_S = 2.0
ANSWER_TIMEOUT_S = 5.0
TRIES_MAX = 3
RETRY_DELAY_S = 0.1
"""Before the second try; doubled before each further one."""
CONNECTIONS_MAX = 8
COMPATIBILITY = "FULL_TRANSITIVE"

# A connection that is reset as soon as it stands has no socket any more when the library looks at it.
_OF_A_RESET_CONNECTION = (AttributeError, OSError)

_CONTENT_TYPE = "application/vnd.schemaregistry.v1+json"


class SchemaNotFoundError(Exception):
    """The registry is up and has no such subject, version, schema or id."""


class SchemaRefusedError(Exception):
    """The registry is up and refused the schema; the text is the registry's own reason."""


class RegistryUnavailableError(UnavailableError):
    """The registry cannot be reached or does not answer usefully now."""

    def __init__(self, message: str) -> None:
        super().__init__(message, part="registry")


@dataclass(frozen=True, kw_only=True)
class Registered:
    """A schema under a subject.

    Attributes:
        schema_id: Unique in the registry; stands in every message.
        version: The registry's own count under the subject, from 1.
        schema: The schema as JSON text.
    """

    subject: str
    schema_id: int
    version: int
    schema: str


class RegistryClient:
    """Asks one registry; use it as an async context manager or call `close`.

    `transport` takes the place of the network, for tests.
    """

    def __init__(self, url: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.url = url.rstrip("/")
        self._http = httpx.AsyncClient(
            base_url=self.url,
            transport=transport,
            timeout=httpx.Timeout(ANSWER_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
            limits=httpx.Limits(max_connections=CONNECTIONS_MAX),
            headers={"Accept": f"{_CONTENT_TYPE}, application/json"},
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def schema(self, schema_id: int) -> str:
        """Return the JSON text of a schema by its id."""
        answer = await self._ask("GET", f"/schemas/ids/{schema_id}")
        return str(answer["schema"])

    async def subjects(self) -> list[str]:
        """List the subjects in alphabetical order."""
        return sorted(await self._ask("GET", "/subjects"))

    async def versions(self, subject: str) -> list[int]:
        """List the registry's version numbers of a subject, ascending."""
        return sorted(await self._ask("GET", f"{_path(subject)}/versions"))

    async def version(self, subject: str, version: int) -> Registered:
        """Return one version of a subject."""
        return _registered(await self._ask("GET", f"{_path(subject)}/versions/{version}"))

    async def lookup(self, subject: str, schema: str) -> Registered:
        """Find a schema under a subject.

        Raises:
            SchemaNotFoundError: It is not registered there.
        """
        answer = await self._ask("POST", _path(subject), {"schema": schema})
        return _registered({"schema": schema, **answer})

    async def register(self, subject: str, schema: str) -> int:
        """Register a schema under a subject and give its id; a schema already there keeps its id.

        Raises:
            SchemaRefusedError: It is not Avro or not compatible with the versions there.
        """
        answer = await self._ask("POST", f"{_path(subject)}/versions", {"schema": schema})
        return int(answer["id"])

    async def set_compatibility(self, subject: str, level: str = COMPATIBILITY) -> None:
        """Set the compatibility level of a subject."""
        await self._ask("PUT", f"/config/{quote(subject, safe='')}", {"compatibility": level})

    async def compatibility(self, subject: str) -> str | None:
        """Return the compatibility level set for a subject itself; None when none is."""
        try:
            answer = await self._ask("GET", f"/config/{quote(subject, safe='')}")
        except SchemaNotFoundError:
            return None
        return str(answer["compatibilityLevel"])

    async def incompatibilities(self, subject: str, schema: str) -> list[str]:
        """Let the registry compare a schema with the versions under the subject; nothing is registered.

        Returns:
            The registry's complaints; empty when it is compatible or the subject is new.
        """
        path = f"/compatibility{_path(subject)}/versions?verbose=true"
        try:
            answer = await self._ask("POST", path, {"schema": schema})
        except SchemaNotFoundError:
            return []
        return [] if answer["is_compatible"] else [str(line) for line in answer.get("messages") or ["incompatible"]]

    async def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        content = None if body is None else json.dumps(body)
        delay_s = RETRY_DELAY_S
        for tries_left in reversed(range(TRIES_MAX)):
            try:
                return await self._ask_once(method, path, content)
            except RegistryUnavailableError:
                if not tries_left:
                    raise
            await asyncio.sleep(delay_s)
            delay_s *= 2
        raise AssertionError("unreachable: the last try returns or raises")

    async def _ask_once(self, method: str, path: str, content: str | None) -> Any:
        try:
            answer = await self._http.request(method, path, content=content, headers={"Content-Type": _CONTENT_TYPE})
        except (httpx.HTTPError, *_OF_A_RESET_CONNECTION) as error:
            raise RegistryUnavailableError(f"{self.url}: {type(error).__name__}: {error}") from error
        if answer.status_code == httpx.codes.NOT_FOUND:
            raise SchemaNotFoundError(f"{method} {path}: {_reason(answer)}")
        if answer.status_code in (httpx.codes.CONFLICT, httpx.codes.UNPROCESSABLE_ENTITY):
            raise SchemaRefusedError(_reason(answer))
        if not answer.is_success:
            raise RegistryUnavailableError(f"{self.url}: {answer.status_code} {_reason(answer)}")
        try:
            return answer.json()
        except ValueError as error:  # A proxy's page in the registry's place.
            raise RegistryUnavailableError(f"{self.url}: the answer to {method} {path} is not JSON") from error


async def together(questions: Iterable[Awaitable[Answer]]) -> list[Answer]:
    """Ask side by side and give the answers in order; when one fails, wait for the others first, leaving none behind.

    Raises:
        Exception: The first failure, in order.
    """
    answers: list[Answer] = []
    for outcome in await asyncio.gather(*questions, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome
        answers.append(outcome)
    return answers


def _path(subject: str) -> str:
    return f"/subjects/{quote(subject, safe='')}"


def _registered(answer: dict[str, Any]) -> Registered:
    return Registered(
        subject=answer["subject"], schema_id=answer["id"], version=answer["version"], schema=answer["schema"]
    )


def _reason(answer: httpx.Response) -> str:
    """Take the registry's message out of its answer, which is not always JSON."""
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        return answer.text[:200]
