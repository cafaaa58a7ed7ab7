"""Showing a person what happened: progress while it happens, tables afterwards; plain text without a terminal."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from paykit.money import Money, format_money
from paystream.accounting.v1 import accounting_pb2
from paystream.merchant.v1 import merchant_pb2
from paytools.demo import findings
from paytools.demo.findings import Findings

WIDTH_MIN = 130
"""Columns of the widest table: a narrower terminal wraps it, but nothing is cut, here or in a file."""


def console() -> Console:
    """Make the console that everything is shown on."""
    return Console(highlight=False, width=max(Console().width, WIDTH_MIN))


class Bar:
    """How far a stage has come: a bar on a terminal, elsewhere only its last word."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=total, note="")
        self.note = ""

    def at(self, count: int, note: str = "") -> None:
        """Say how many are done, and something about the others."""
        self.note = note or self.note
        self._progress.update(self._task, completed=count, note=note)


@contextmanager
def stage(shown: Console, name: str, total: int) -> Iterator[Bar]:
    """Show a stage while it lasts, and leave one line about it."""
    columns = (
        TextColumn(f"  {name:<22}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total} {task.fields[note]}"),
    )
    began = time.monotonic()
    progress = Progress(*columns, TimeElapsedColumn(), console=shown, transient=True, disable=not shown.is_terminal)
    with progress:
        bar = Bar(progress, total)
        yield bar
    note = f", {bar.note}" if bar.note else ""
    shown.print(f"  {name:<22} {total} in {time.monotonic() - began:.1f} s{note}")


def show_merchants(shown: Console, merchants: Sequence[merchant_pb2.Merchant]) -> None:
    """Show the merchants and what they pay."""
    table = _table("Merchants", "merchant", "id", "fees", "returned with refunds")
    for merchant in merchants:
        returned = "yes" if merchant.fee_plan.refund_fee_returned else "no"
        first, *others = [_fee(fee) for fee in merchant.fee_plan.fees]
        table.add_row(merchant.display_name, merchant.merchant_id, first, returned)
        for fee in others:
            table.add_row("", "", fee, "")
    _show(shown, table)


def show_outcomes(shown: Console, findings: Findings) -> None:
    """Show what was done to the channel's answers, and what came of it."""
    table = _table("Payments and refunds", "what the channel does", "payments", "refunds", "must end")
    names: dict[str, tuple[int, int, str]] = {}
    asked, given = findings.asked, findings.given
    for planned, is_refund in [(a.planned, False) for a in asked] + [(g.planned, True) for g in given]:
        name = planned.trouble.name if planned.trouble else "approved at once"
        payments, refunds, _ = names.get(name, (0, 0, ""))
        names[name] = (payments + (not is_refund), refunds + is_refund, planned.end)
    for name, (payments, refunds, end) in names.items():
        table.add_row(name, str(payments), str(refunds), end)
    _show(shown, table)


def show_events(shown: Console, findings: Findings) -> None:
    """Show how many events of each type are on each topic."""
    table = _table("Events on Kafka", "topic", "type", "events")
    last = ""
    for (topic, name), count in sorted(findings.counts.items(), key=_by_topic):
        table.add_row("" if topic == last else topic, name, f"{count:,}")
        last = topic
    table.add_row("all topics", "", f"{len(findings.lines):,}")
    _show(shown, table)


def show_balances(shown: Console, findings: Findings, merchants: Sequence[merchant_pb2.Merchant]) -> None:
    """Show what the ledger holds for each merchant."""
    names = {merchant.merchant_id: merchant.display_name for merchant in merchants}
    table = _table("Balances of the merchants", "merchant", "account", "balance")
    table.columns[-1].justify = "right"
    for merchant in sorted(findings.balances, key=lambda one: (one.account.merchant_id, one.account.account_kind)):
        if merchant.account.merchant_id:
            balance = format_money(Money(merchant.balance_minor, merchant.account.currency_code))
            table.add_row(names.get(merchant.account.merchant_id, ""), merchant.account.account_kind, balance)
    _show(shown, table)


def show_trial(shown: Console, trial: Sequence[accounting_pb2.TrialBalance]) -> None:
    """Show the trial balance of each currency."""
    table = _table("Trial balance", "account", "debit", "credit")
    for column in table.columns[1:]:
        column.justify = "right"
    for kind_line in trial:
        for line in kind_line.lines:
            table.add_row(line.account_kind, *_sides(line.debit_minor, line.credit_minor, kind_line.currency_code))
        sums = _sides(kind_line.debit_total_minor, kind_line.credit_total_minor, kind_line.currency_code)
        difference = int(kind_line.debit_total_minor) - int(kind_line.credit_total_minor)
        table.add_row(f"total, difference {difference}", *sums, end_section=True)
    _show(shown, table)


def _by_topic(item: tuple[tuple[str, str], int]) -> tuple[int, str]:
    topic, name = item[0]
    return findings.TOPICS.index(topic), name


def _sides(debit_minor: str, credit_minor: str, currency_code: str) -> tuple[str, str]:
    texts = [
        format_money(Money(int(amount_minor), currency_code)) if int(amount_minor) else ""
        for amount_minor in (debit_minor, credit_minor)
    ]
    return texts[0], texts[1]


def _fee(fee: merchant_pb2.FeeRule) -> str:
    fixed = f" + {format_money(Money(fee.fixed_minor, fee.currency_code))}" if fee.fixed_minor else ""
    return f"{fee.currency_code} {fee.basis_points / 100:.2f} %{fixed}"


def _show(shown: Console, table: Table) -> None:
    shown.print()
    shown.print(table)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, header_style="dim", padding=(0, 1))
    for column in columns:
        table.add_column(column, no_wrap=True, overflow="ignore")
    return table
