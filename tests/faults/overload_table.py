"""The line of overload in docs/reliability.md."""

from bench.figures import percentile
from tests.faults.fault_table import put
from tests.faults.overload_run import Overload


def line(measured: Overload) -> str:
    """Write what came out in one row."""
    over = measured.over
    refused = ", ".join(f"{count:,} {code}" for code, count in sorted(over.refused.items())) or "0"
    in_ms = f"{percentile(over.refused_ms, 99):.0f} ms" if over.refused_ms else "-"
    cells = (
        f"{measured.capacity_per_s:,.0f}/s",
        f"{measured.half_p99_ms:.0f} ms",
        f"{over.started / over.seconds:,.0f}/s",
        f"{len(over.accepted) / over.seconds:,.0f}/s",
        f"{measured.over_p99_ms:.0f} ms ({measured.over_p99_ms / measured.half_p99_ms:.1f} of half load)",
        refused,
        in_ms,
        f"{percentile(over.late_ms, 99):.0f} ms",
        f"{measured.memory_growth:.2f}",
    )
    return f"| {' | '.join(cells)} |"


def write(bound: str, measured: Overload, *, seconds: float) -> None:
    """Put what came out into the page, for a process that is bound by `postgresql` or by `cpu`."""
    head = (
        f"The overload lasted {seconds:.0f} s.",
        "",
        "| capacity | p99 at half of it | offered | accepted | p99 of these | refused | after | client late | memory |",
        "|---|---|---|---|---|---|---|---|---|",
    )
    put(f"overload-{bound}", "\n".join([*head, line(measured)]))
