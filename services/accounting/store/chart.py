"""The charts of accounts that ship, one TOML file each, and the SQL of the one that a ledger is kept by."""

from functools import cache
from importlib import resources

from paykit.errors import InvariantError
from paykit.postgres.database import Tx
from services.accounting.domain.chart import Chart, ChartError, parse

_FILES = resources.files("services.accounting").joinpath("charts")

# The first start of a ledger decides; later ones find the row.
_INSERT = "INSERT INTO chart_in_use (chart_name, create_time) VALUES ($1, $2) ON CONFLICT DO NOTHING"

_SELECT = "SELECT chart_name FROM chart_in_use"


@cache
def load_chart(name: str) -> Chart:
    """Read the chart of this name, proved to balance; read once, then kept.

    Raises:
        ChartError: No chart has this name, or its file is wrong.
    """
    if name not in chart_names():
        raise ChartError(f"no chart is named {name!r}; there are {', '.join(chart_names())}")
    chart = parse(_FILES.joinpath(f"{name}.toml").read_text(encoding="utf-8"))
    if chart.name != name:
        raise ChartError(f"{name}.toml calls itself {chart.name!r}")
    return chart


@cache
def chart_names() -> tuple[str, ...]:
    """Return the names of the charts, sorted."""
    names = [file.name for file in _FILES.iterdir()]
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


async def keep_chart(tx: Tx, chart_name: str) -> str:
    """Note the chart at the ledger's first start; return the name of the one it is kept by."""
    await tx.run(_INSERT, chart_name, tx.now)
    return (await chart_in_use(tx)).name


async def chart_in_use(tx: Tx) -> Chart:
    """Return the chart that the ledger is kept by.

    Raises:
        InvariantError: The service was never started on this database.
    """
    for row in await tx.fetch(_SELECT):
        return load_chart(row["chart_name"])
    raise InvariantError("the ledger has no chart")
