"""The charts of accounts that ship with paystream, one TOML file each."""

from functools import cache
from importlib import resources

from services.accounting.domain import chart
from services.accounting.domain.chart import Chart


@cache
def load(name: str) -> Chart:
    """Give the chart of this name, proved to balance; read once, then kept.

    Raises:
        ChartError: No chart has this name, or its file is wrong.
    """
    if name not in names():
        raise chart.ChartError(f"no chart is named {name!r}; there are {', '.join(names())}")
    loaded = chart.parse(resources.files(__name__).joinpath(f"{name}.toml").read_text(encoding="utf-8"))
    if loaded.name != name:
        raise chart.ChartError(f"{name}.toml calls itself {loaded.name!r}")
    return loaded


@cache
def names() -> tuple[str, ...]:
    """Give the names of the charts, sorted."""
    files = (entry.name for entry in resources.files(__name__).iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in files if name.endswith(".toml")))
