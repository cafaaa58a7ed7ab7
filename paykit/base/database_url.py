"""Addresses of PostgreSQL as they are configured: read, changed and written, without a library that connects.

SQLAlchemy reads them for migrations; to import it is a quarter of what a process takes to start, and services do
without it. A test holds both to the same reading.
"""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, quote_plus, unquote

from paykit.base.config import ConfigurationError

_FORM = re.compile(
    r"postgres(?:ql)?(?:\+\w+)?://"
    r"(?:(?P<username>[^:/]*)(?::(?P<password>[^@]*))?@)?"
    r"(?:\[(?P<ipv6>[^/?\]]+)\]|(?P<host>[^/:?]+))?(?::(?P<port>[0-9]+)?)?"
    r"(?:/(?P<database>[^?]*))?(?:\?(?P<query>.*))?",
    re.ASCII | re.DOTALL,
)
_PLAIN = " +"
"""What stands in names and passwords as it is, besides letters, digits and `_.-~`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DatabaseUrl:
    """What a URL of PostgreSQL says, with nothing escaped.

    Attributes:
        username: The role; None where the URL names none.
        password: Of the role.
        host: A name or an address; None is the driver's default.
        port: None is the driver's default.
        database: Its name; None is the driver's default.
        query: Names and values, in the order of names; none of them empty.
    """

    username: str | None = None
    password: str | None = None
    host: str | None = None
    port: int | None = None
    database: str | None = None
    query: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        """Write it, password and all, as the driver takes it."""
        host = f"[{self.host}]" if self.host is not None and ":" in self.host else self.host or ""
        port = "" if self.port is None else f":{self.port}"
        database = "" if self.database is None else f"/{quote(self.database, safe=_PLAIN + '/')}"
        pairs = "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in self.query)
        return f"postgresql://{self._role()}{host}{port}{database}{'?' if pairs else ''}{pairs}"

    def _role(self) -> str:
        if self.username is None:
            return ""
        password = "" if self.password is None else f":{quote(self.password, safe=_PLAIN)}"
        return f"{quote(self.username, safe=_PLAIN)}{password}@"


def parse(text: str) -> DatabaseUrl:
    """Read a URL of PostgreSQL; a driver that its scheme names (`postgresql+asyncpg`) is not kept.

    Raises:
        ConfigurationError: It is none; the text does not show it, for the password in it.
    """
    found = _FORM.fullmatch(text)
    if found is None:
        raise ConfigurationError(
            "PAYSTREAM_DATABASE_URL or PAYSTREAM_DATABASE_ADMIN_URL: not an address of PostgreSQL, as in "
            "postgresql://user:password@host:port/database"
        )
    return DatabaseUrl(
        username=_unquoted(found["username"]),
        password=_unquoted(found["password"]),
        host=found["ipv6"] or found["host"],
        port=int(found["port"]) if found["port"] else None,
        database=_unquoted(found["database"]),
        query=tuple(sorted(parse_qsl(found["query"] or ""), key=lambda pair: pair[0])),
    )


def _unquoted(text: str | None) -> str | None:
    return None if text is None else unquote(text)
