"""A Schema Registry in memory: what `RegistryClient` asks for, without a server and without compatibility rules.

`tests/contract` holds it to the answers of the real one.
"""

import itertools
import json
import re
from dataclasses import dataclass, field

import httpx

from paykit.events.registry import RegistryClient

_VERSIONS = re.compile(r"/subjects/([^/]+)/versions(?:/(\d+))?")


@dataclass
class FakeRegistry(httpx.AsyncBaseTransport):
    """Answers `client()`; set `down` to make it unreachable.

    Attributes:
        schemas: JSON text by id.
        subjects: Ids by subject, in the order registered.
        asked: Method and path of every request.
    """

    schemas: dict[int, str] = field(default_factory=dict)
    subjects: dict[str, list[int]] = field(default_factory=dict)
    levels: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    down: bool = False
    first_id: int = 1

    def client(self) -> RegistryClient:
        """Return a client that talks to this registry."""
        return RegistryClient("http://registry.test", transport=self)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        path = request.url.path
        self.asked.append(f"{request.method} {path}")
        if self.down:
            raise httpx.ConnectError("the registry is down", request=request)
        body = json.loads(request.content) if request.content else {}
        return self._answer(request.method, path, body)

    def _answer(self, method: str, path: str, body: dict[str, str]) -> httpx.Response:
        if path == "/subjects":
            return httpx.Response(200, json=list(self.subjects))
        if path.startswith("/schemas/ids/"):
            schema = self.schemas.get(int(path.rpartition("/")[2]))
            return _not_found(40403) if schema is None else httpx.Response(200, json={"schema": schema})
        if path.startswith("/config/"):
            return self._level(method, path.rpartition("/")[2], body)
        if match := _VERSIONS.fullmatch(path):
            return self._versions(method, match[1], match[2], body)
        return self._lookup(path.rpartition("/")[2], body["schema"])

    def _level(self, method: str, subject: str, body: dict[str, str]) -> httpx.Response:
        if method == "PUT":
            self.levels[subject] = body["compatibility"]
            return httpx.Response(200, json=body)
        if subject not in self.levels:
            return _not_found(40408)
        return httpx.Response(200, json={"compatibilityLevel": self.levels[subject]})

    def _versions(self, method: str, subject: str, version: str | None, body: dict[str, str]) -> httpx.Response:
        if method == "POST":
            return httpx.Response(200, json={"id": self.register(subject, body["schema"])})
        ids = self.subjects.get(subject, [])
        if not ids:
            return _not_found(40401)
        if version is None:
            return httpx.Response(200, json=list(range(1, len(ids) + 1)))
        return self._registered(subject, ids[int(version) - 1])

    def register(self, subject: str, schema: str) -> int:
        """Register a schema and give its id; one already known keeps it."""
        ids_by_text = {text: schema_id for schema_id, text in self.schemas.items()}
        free = next(number for number in itertools.count(self.first_id) if number not in self.schemas)
        schema_id = ids_by_text.get(schema, free)
        self.schemas[schema_id] = schema
        ids = self.subjects.setdefault(subject, [])
        if schema_id not in ids:
            ids.append(schema_id)
        return schema_id

    def _lookup(self, subject: str, schema: str) -> httpx.Response:
        for schema_id in self.subjects.get(subject, []):
            if self.schemas[schema_id] == schema:
                return self._registered(subject, schema_id)
        return _not_found(40403)

    def _registered(self, subject: str, schema_id: int) -> httpx.Response:
        version = self.subjects[subject].index(schema_id) + 1
        answer = {"subject": subject, "id": schema_id, "version": version, "schema": self.schemas[schema_id]}
        return httpx.Response(200, json=answer)


def _not_found(code: int) -> httpx.Response:
    return httpx.Response(404, json={"error_code": code, "message": "not found"})
