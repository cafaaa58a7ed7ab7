"""The way of money: what is late, what is on its way, whether the books balance, what people must look at."""

from scripts.monitoring.panels import RATE, Dashboard, Panel, Query, Row, quantiles
from scripts.monitoring.slos import SLOS

MONEY = Dashboard(
    "paystream-money",
    "paystream: money",
    (
        Row(
            "Objectives: what is late, as a share",
            tuple(
                Panel(
                    title=slo.name.replace("_", " "),
                    queries=tuple(
                        Query(slo.recorded(window), " ".join([*(f"{{{{{label}}}}}" for label in slo.by), window]))
                        for window in ("1h", "6h", "3d")
                    ),
                    unit="percentunit",
                )
                for slo in SLOS
            ),
        ),
        Row(
            "From accepted to settled",
            (
                Panel(
                    title="Accepted to booked",
                    queries=quantiles("paystream_accepted_to_booked_seconds"),
                    unit="s",
                ),
                Panel(title="Closed to settled", queries=quantiles("paystream_closed_to_settled_seconds"), unit="s"),
                Panel(
                    title="Booked to settled, by the merchants' policies",
                    queries=quantiles("paystream_booked_to_settled_seconds"),
                    unit="s",
                ),
                Panel(
                    title="Events booked",
                    queries=(
                        Query(
                            f'sum by (record) (rate(paystream_events_applied_total{{service="accounting"}}[{RATE}]))',
                            "{{record}}",
                        ),
                    ),
                    unit="ops",
                    width=16,
                ),
                Panel(
                    title="Longest due settlement",
                    queries=(Query("max(paystream_settlements_due_oldest_seconds)"),),
                    unit="s",
                    alone=True,
                ),
            ),
        ),
        Row(
            "The books",
            (
                Panel(
                    title="Debits less credits, minor units",
                    queries=(Query("max by (currency_code) (paystream_ledger_imbalance_minor)", "{{currency_code}}"),),
                    alone=True,
                ),
                Panel(
                    title="Since the balances were added up",
                    queries=(Query("time() - max(paystream_ledger_checked_timestamp_seconds)"),),
                    unit="s",
                    alone=True,
                ),
                Panel(
                    title="Balances below zero",
                    queries=(
                        Query("max(paystream_negative_balances)", "balances"),
                        Query("max(paystream_negative_balances_oldest_seconds)", "oldest, seconds"),
                    ),
                    alone=True,
                ),
            ),
        ),
        Row(
            "What people must look at",
            (
                Panel(
                    title="Calls to channels without an outcome",
                    queries=(
                        Query("max by (service, channel) (paystream_attempts_overdue)", "{{service}} {{channel}}"),
                    ),
                ),
                Panel(
                    title="Contradictions open",
                    queries=(Query("max by (service, kind) (paystream_contradictions_open)", "{{service}} {{kind}}"),),
                ),
                Panel(
                    title="Payouts kept back",
                    queries=(Query("max by (reason) (paystream_withdrawals_blocked)", "{{reason}}"),),
                ),
            ),
        ),
    ),
)
