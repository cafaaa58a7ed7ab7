"""Statements against records, mails, and webhooks."""

from scripts.monitoring.panels import RATE, Dashboard, Panel, Query, Row

OVERSIGHT = Dashboard(
    "paystream-oversight",
    "paystream: reconciliation and notification",
    (
        Row(
            "Statements against records",
            (
                Panel(
                    title="Discrepancies open",
                    queries=(Query("max by (kind, channel) (paystream_discrepancies_open)", "{{channel}} {{kind}}"),),
                    idle=True,
                ),
                Panel(
                    title="Oldest discrepancy",
                    queries=(Query("max(paystream_discrepancies_oldest_seconds)"),),
                    unit="s",
                    alone=True,
                ),
                Panel(
                    title="Statements not reconciled",
                    queries=(
                        Query("max by (channel) (paystream_statements_unreconciled)", "{{channel}}"),
                        Query(
                            "max by (channel) (paystream_statements_unreconciled_oldest_seconds)",
                            "{{channel}} oldest, seconds",
                        ),
                    ),
                    idle=True,
                ),
                Panel(
                    title="Amounts that have not cleared",
                    queries=(
                        Query(
                            "max by (account_kind, currency_code) (paystream_uncleared_amounts)",
                            "{{account_kind}} {{currency_code}}",
                        ),
                    ),
                ),
                Panel(
                    title="Of these, overdue",
                    queries=(
                        Query(
                            "max by (account_kind, currency_code) (paystream_uncleared_overdue)",
                            "{{account_kind}} {{currency_code}}",
                        ),
                    ),
                ),
                Panel(
                    title="What has not cleared, minor units",
                    queries=(
                        Query(
                            "max by (account_kind, currency_code) (paystream_uncleared_minor)",
                            "{{account_kind}} {{currency_code}}",
                        ),
                    ),
                ),
            ),
        ),
        Row(
            "Mail",
            (
                Panel(
                    title="Mails that wait",
                    queries=(Query("max(paystream_notifications_open)", "waiting"),),
                ),
                Panel(
                    title="Longest due mail",
                    queries=(Query("max(paystream_notifications_overdue_seconds)"),),
                    unit="s",
                    alone=True,
                ),
                Panel(
                    title="Mails that were not sent",
                    queries=(Query("max by (state) (paystream_notifications_unsent)", "{{state}}"),),
                ),
                Panel(
                    title="Tries to send",
                    queries=(
                        Query(
                            f"sum by (outcome) (rate(paystream_notification_tries_total[{RATE}]))",
                            "{{outcome}}",
                        ),
                    ),
                    unit="ops",
                    width=24,
                    idle=True,
                ),
            ),
        ),
        Row(
            "Webhooks",
            (
                Panel(
                    title="Tries to deliver",
                    queries=(
                        Query(f"sum by (outcome) (rate(paystream_webhook_attempts_total[{RATE}]))", "{{outcome}}"),
                    ),
                    unit="ops",
                    idle=True,
                ),
                Panel(
                    title="Endpoints",
                    queries=(Query("max by (state) (paystream_webhook_endpoints)", "{{state}}"),),
                ),
                Panel(
                    title="Longest due delivery",
                    queries=(Query("max(paystream_webhook_overdue_seconds)"),),
                    unit="s",
                    alone=True,
                ),
            ),
        ),
    ),
)
