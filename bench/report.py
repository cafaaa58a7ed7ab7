"""What a run leaves: a table for people, a JSON file for programs."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from bench.figures import Figures, Verdict, judge, medians, ratio

WIDTH_MIN = 140
"""Of the table, in characters, whatever the terminal has: a wrapped row cannot be read."""
RESULTS = Path(__file__).resolve().parent / "results"

LINES: Mapping[str, tuple[str, str, str | None]] = {
    "raw_posting": ("(a)  raw posting, old tables", "payments/s", None),
    "raw_posting_two": ("     on two connections", "payments/s", "raw_posting"),
    "raw_journal": ("(a2) raw posting, the journal", "payments/s", "raw_posting"),
    "raw_posting_full": ("(a+) with keys, offsets, outbox", "payments/s", "raw_posting"),
    "pipeline_spread": ("(b)  pipeline, 1,000 merchants", "payments/s", "raw_posting"),
    "pipeline_hot": ("     one hot merchant", "payments/s", "pipeline_spread"),
    "pipeline_booked": ("(l)  pipeline, payments booked before", "payments/s", "pipeline_spread"),
    "booked_before": ("     as many", "payments", None),
    "echo_1": ("(c)  bare echo, 1 in flight", "calls/s", None),
    "create_payment_1": ("     CreatePayment, 1 in flight", "calls/s", "echo_1"),
    "echo_16": ("     bare echo, 16 in flight", "calls/s", None),
    "create_payment_16": ("     CreatePayment, 16 in flight", "calls/s", "echo_16"),
    "echo_64": ("     bare echo, 64 in flight", "calls/s", None),
    "create_payment_64": ("     CreatePayment, 64 in flight", "calls/s", "echo_64"),
    "create_payment_64_p99_ms": ("     CreatePayment, 64 in flight, p99", "ms", None),
    "batch_100": ("     BatchCreatePayments of 100", "payments/s", "create_payment_64"),
    "batch_1000": ("     BatchCreatePayments of 1,000", "payments/s", "create_payment_64"),
    "journals_1000": ("     BatchCreateTransactions of 1,000", "journals/s", "create_payment_64"),
    "end_to_end_p50_ms": ("(d)  end to end, p50", "ms", None),
    "end_to_end_p99_ms": ("     end to end, p99", "ms", None),
    "outcome_p50_ms": ("     CreatePayment with wait_for, p50", "ms", None),
    "outcome_p99_ms": ("     CreatePayment with wait_for, p99", "ms", None),
    "sustained": ("(m)  the whole line, held for a minute", "payments/s", None),
    "sustained_p99_ms": ("     CreatePayment meanwhile, p99", "ms", None),
    "settling": ("(e)  settling, 1,000 merchants", "transactions/s", None),
    "settling_s": ("     all of them", "s", None),
    "settling_mib": ("     most memory at once", "MiB", None),
    "reconciling": ("(i)  reconciling a statement file", "lines/s", None),
    "reconciling_s": ("     all of them", "s", None),
    "reconciling_import_s": ("     of it, until the import was answered", "s", None),
    "reconciling_mib": ("     most memory at once", "MiB", None),
    "former_verified": ("(k)  verifying a ledger of before", "transactions/s", None),
    "moving": ("     moving it into the journal", "transactions/s", None),
    "journal_verified": ("     verifying it there", "transactions/s", "former_verified"),
    "counting": ("(h)  analytics, 1,000 merchants", "events/s", "pipeline_spread"),
    "line_echo": ("(f)  bare echo, 64 in flight", "calls/s", None),
    "create_order": ("     CreateOrder, 64 in flight", "calls/s", "line_echo"),
    "create_withdrawal": ("     CreateWithdrawal, 100 merchants", "calls/s", "line_echo"),
    "create_withdrawal_hot": ("     CreateWithdrawal, one merchant", "calls/s", "create_withdrawal"),
    "tracing_off_us": ("(j)  CreatePayment's processor time, no collector", "us", None),
    "tracing_none_us": ("     no trace sampled", "us", "tracing_off_us"),
    "tracing_some_us": ("     1 % of traces sampled", "us", "tracing_off_us"),
    "tracing_all_us": ("     all traces sampled", "us", "tracing_off_us"),
    "payment_disk_b": ("(n)  a payment in payment's tables", "bytes", None),
    "payment_passing_b": ("     replies and outbox, dropped by the day", "bytes", None),
    "payment_wal_b": ("     WAL", "bytes", None),
    "accounting_disk_b": ("     in the ledger", "bytes", None),
    "accounting_passing_b": ("     ids of events and outbox, dropped by the day", "bytes", None),
    "accounting_wal_b": ("     WAL", "bytes", None),
    "settlement_disk_b": ("     in settlement", "bytes", None),
    "settlement_passing_b": ("     outbox", "bytes", None),
    "settlement_wal_b": ("     WAL", "bytes", None),
    "analytics_disk_b": ("     in analytics", "bytes", None),
    "analytics_passing_b": ("     ids of events", "bytes", None),
    "analytics_wal_b": ("     WAL", "bytes", None),
}
"""By key: what people read, the unit, and the figure to show the ratio to."""


def machine() -> dict[str, Any]:
    """Return what figures depend on and what may be told; to be called before the work starts."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "load_average_before": [round(each, 2) for each in os.getloadavg()],
        "begun_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def show(console: Console, rounds: Sequence[Figures], facts: Mapping[str, Any]) -> None:
    """Print the table, then the aims."""
    figures = medians(rounds)
    load = ", ".join(f"{each:.2f}" for each in facts["load_average_before"])
    title = f"{facts['cores']} cores, Python {facts['python']}, load average before: {load}"
    table = Table("row", "unit", box=box.SIMPLE_HEAD, title=title, title_justify="left")
    for heading in ("median", *(f"round {number + 1}" for number in range(len(rounds))), "ratio"):
        table.add_column(heading, justify="right")
    for key, (text, unit, relative_to) in LINES.items():
        if key in figures:
            table.add_row(text, unit, _number(figures[key]), *_rounds(key, rounds), _ratio(figures, key, relative_to))
    Console(file=console.file, width=max(console.width, WIDTH_MIN)).print(table)
    for verdict in judge(figures):
        console.print(aim_line(verdict))


def aim_line(verdict: Verdict) -> str:
    """Say in one line whether an aim is met."""
    value = f"{verdict.value:.2f}" if verdict.aim.relative_to else _number(verdict.value)
    return f"{'met    ' if verdict.met else 'not met'}  {verdict.aim.text}: {value}"


def result(rounds: Sequence[Figures], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of the JSON file: medians by key, then the rounds, the aims and the machine."""
    figures = medians(rounds)
    aims = [{"aim": v.aim.text, "value": round(v.value, 3), "bound": v.aim.bound, "met": v.met} for v in judge(figures)]
    return {
        **_rounded(figures),
        "rounds": [_rounded(each) for each in rounds],
        "aims": aims,
        "machine": dict(facts),
    }


def write(name: str, content: Mapping[str, Any]) -> Path:
    """Write a JSON file of this name beside the others."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / name
    path.write_text(json.dumps(content, indent=2) + "\n")
    return path


def _rounded(figures: Figures) -> dict[str, float]:
    return {key: round(value, 1) for key, value in figures.items()}


def _rounds(key: str, rounds: Sequence[Figures]) -> list[str]:
    return [_number(each[key]) if key in each else "" for each in rounds]


def _ratio(figures: Figures, key: str, relative_to: str | None) -> str:
    value = ratio(figures, key, relative_to) if relative_to else None
    return "" if value is None else f"{value:.2f} of {LINES[str(relative_to)][0][5:]}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"  # noqa: PLR2004 - small figures need a decimal
