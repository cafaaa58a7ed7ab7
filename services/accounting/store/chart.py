"""The charts of accounts that ship, one TOML file each, and the SQL of the one that a ledger is kept by.

The ledger keeps every version of its chart with the text: it is booked by what stands there, not by a file that
somebody may change. Charts are parsed once in a process, by the hash of their text.
"""

from functools import cache
from importlib import resources
from pathlib import Path

from paykit.errors import InvariantError
from paykit.postgres.database import Tx
from services.accounting.domain.chart import Chart, ChartError, parse
from services.accounting.domain.chart_upgrade import require_upgrade

_FILES = resources.files("services.accounting").joinpath("charts")

# The first start of a ledger decides; later ones find the row.
_INSERT = "INSERT INTO chart_in_use (chart_name, create_time) VALUES ($1, $2) ON CONFLICT DO NOTHING"

_SELECT_NAME = "SELECT chart_name FROM chart_in_use"

_INSERT_VERSION = """
INSERT INTO chart_version (version, chart_name, content_hash, content, create_time) VALUES ($1, $2, $3, $4, $5)
"""

_SELECT_VERSIONS = "SELECT version, content_hash FROM chart_version ORDER BY version"

_SELECT_CONTENT = "SELECT content FROM chart_version WHERE content_hash = $1"

_SELECT_IN_USE = "SELECT content_hash FROM chart_version ORDER BY version DESC LIMIT 1"

_parsed: dict[str, Chart] = {}
"""By the hash of their text."""


@cache
def load_chart(named: str) -> Chart:
    """Read the chart of this name, or in this TOML file, proved to balance; read once, then kept.

    Raises:
        ChartError: No chart has this name, the file cannot be read, or it is wrong.
    """
    if named.endswith(".toml"):
        try:
            return parse(Path(named).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise ChartError(f"{named} cannot be read: {error}") from error
    if named not in chart_names():
        raise ChartError(f"no chart is named {named!r}; there are {', '.join(chart_names())}")
    chart = parse(_FILES.joinpath(f"{named}.toml").read_text(encoding="utf-8"))
    if chart.name != named:
        raise ChartError(f"{named}.toml calls itself {chart.name!r}")
    return chart


@cache
def chart_names() -> tuple[str, ...]:
    """Return the names of the charts, sorted."""
    names = [file.name for file in _FILES.iterdir()]
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


async def keep_chart(tx: Tx, chart: Chart) -> int:
    """Keep a new ledger by a chart, or an existing one by a version of its chart that has more; return the version.

    Rows: chart_in_use, chart_version.

    Raises:
        ChartError: The ledger is kept by another chart, by a newer version, or by one that this would change.
    """
    await tx.run(_INSERT, chart.name, tx.now)
    kept_name = (await tx.fetch(_SELECT_NAME))[0]["chart_name"]
    if kept_name != chart.name:
        raise ChartError(
            f"this ledger is kept by the chart {kept_name!r}; PAYSTREAM_ACCOUNTING_CHART names {chart.name!r}"
        )
    versions = {row["content_hash"]: row["version"] for row in await tx.fetch(_SELECT_VERSIONS)}
    newest = max(versions.values(), default=0)
    if chart.content_hash in versions:
        if versions[chart.content_hash] != newest:
            raise ChartError(f"{chart.name}: version {versions[chart.content_hash]} was followed by version {newest}")
        return newest
    for content_hash, version in versions.items():
        if version == newest:
            require_upgrade(parse(await _content(tx, content_hash), complete=False), chart)
    await tx.run(_INSERT_VERSION, newest + 1, chart.name, chart.content_hash, chart.text, tx.now)
    return newest + 1


async def keeps_newest(tx: Tx, chart: Chart) -> bool:
    """Return whether the ledger is kept by this very chart already, in its newest version."""
    return any(row["content_hash"] == chart.content_hash for row in await tx.fetch(_SELECT_IN_USE))


async def chart_in_use(tx: Tx) -> Chart:
    """Return the chart that the ledger is kept by.

    Raises:
        InvariantError: The service was never started on this database.
    """
    for row in await tx.fetch(_SELECT_IN_USE):
        return await chart_of(tx, row["content_hash"])
    raise InvariantError("the ledger has no chart")


async def chart_of(tx: Tx, content_hash: str) -> Chart:
    """Return a chart that the ledger keeps, by the hash of its text."""
    chart = _parsed.get(content_hash)
    if chart is None:
        chart = _parsed[content_hash] = parse(await _content(tx, content_hash))
    return chart


async def _content(tx: Tx, content_hash: str) -> str:
    content: str = (await tx.fetch(_SELECT_CONTENT, content_hash))[0]["content"]
    return content
