"""Whether books that are kept by one chart can go on by another. Pure."""

from services.accounting.domain.chart import Chart, ChartError


def require_upgrade(kept: Chart, new: Chart) -> None:
    """Accept a chart that has all that the ledger's has, alike, and more.

    What is in transit was opened by the entries of the old chart, and accounts have its sides and floors: neither may
    change under what is booked.

    Raises:
        ChartError: It has another name, or lacks or changes something.
    """
    if kept.name != new.name:
        raise ChartError(
            f"this ledger is kept by the chart {kept.name!r}; PAYSTREAM_ACCOUNTING_CHART names {new.name!r}"
        )
    for what, before, after in (("kind", kept.kinds, new.kinds), ("type", kept.types, new.types)):
        if missing := before.keys() - after.keys():
            raise ChartError(f"{new.name}: lacks the {what}s {sorted(missing)}, which the ledger is kept by")
        changed = sorted(name for name, present in before.items() if after[name] != present)
        if changed:
            raise ChartError(f"{new.name}: changes the {what}s {changed}, by which the ledger has booked")
