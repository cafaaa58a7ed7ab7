"""What the services run on: consumers, what is set aside, outboxes, calls."""

from scripts.monitoring.panels import RATE, Dashboard, Panel, Query, Row, quantiles

RUNTIME = Dashboard(
    "paystream-runtime",
    "paystream: services",
    (
        Row(
            "Consumers",
            (
                Panel(
                    title="Events behind the end",
                    queries=(
                        Query(
                            "sum by (service, topic) (max by (service, topic, partition) (paystream_consumer_lag))",
                            "{{service}} {{topic}}",
                        ),
                    ),
                    idle=True,
                ),
                Panel(
                    title="Oldest event not applied",
                    queries=(Query("max by (service) (paystream_consumer_oldest_unapplied_seconds)", "{{service}}"),),
                    unit="s",
                    idle=True,
                ),
                Panel(
                    title="Partitions halted",
                    queries=(
                        Query(
                            "sum by (service, topic) (max by (service, topic, partition) (paystream_consumer_halted))",
                            "{{service}} {{topic}}",
                        ),
                    ),
                ),
                Panel(
                    title="Events applied",
                    queries=(Query(f"sum by (service) (rate(paystream_events_applied_total[{RATE}]))", "{{service}}"),),
                    unit="ops",
                ),
                Panel(
                    title="Age when applied",
                    queries=quantiles("paystream_event_age_seconds", "service", of=(0.99,)),
                    unit="s",
                ),
                Panel(
                    title="Batches run again",
                    queries=(
                        Query(
                            f"sum by (service, cause) (rate(paystream_consumer_retries_total[{RATE}]))",
                            "{{service}} {{cause}}",
                        ),
                    ),
                    unit="ops",
                    idle=True,
                ),
            ),
        ),
        Row(
            "Set aside",
            (
                Panel(
                    title="Dead letters open",
                    queries=(Query("max by (service) (paystream_dead_letters_open)", "{{service}}"),),
                ),
                Panel(
                    title="Events parked",
                    queries=(
                        Query("max by (service) (paystream_parked_events_waiting)", "{{service}}"),
                        Query("max by (service) (paystream_parked_oldest_seconds)", "{{service}} oldest, seconds"),
                    ),
                ),
                Panel(
                    title="Events skipped",
                    queries=(Query("max by (service) (paystream_skipped_events_waiting)", "{{service}}"),),
                ),
            ),
        ),
        Row(
            "Outboxes",
            (
                Panel(
                    title="Events relayed",
                    queries=(Query(f"sum by (service) (rate(paystream_outbox_relayed_total[{RATE}]))", "{{service}}"),),
                    unit="ops",
                ),
                Panel(
                    title="Events waiting",
                    queries=(Query("max by (service) (paystream_outbox_rows)", "{{service}}"),),
                ),
                Panel(
                    title="Oldest event waiting",
                    queries=(
                        Query(
                            "max by (service) (paystream_outbox_oldest_seconds"
                            " and on (job, instance, service) paystream_relay_leading == 1)",
                            "{{service}}",
                        ),
                    ),
                    unit="s",
                ),
                Panel(
                    title="Leaders",
                    queries=(Query("sum by (service) (paystream_relay_leading)", "{{service}}"),),
                ),
                Panel(
                    title="Events refused by Kafka",
                    queries=(
                        Query(
                            "max by (service, topic, reason) (paystream_outbox_refused)",
                            "{{service}} {{topic}} {{reason}}",
                        ),
                    ),
                    idle=True,
                ),
                Panel(
                    title="Keys in quarantine",
                    queries=(Query("max by (service) (paystream_outbox_quarantined_keys)", "{{service}}"),),
                    idle=True,
                ),
            ),
        ),
        Row(
            "Calls",
            (
                Panel(
                    title="Calls answered",
                    queries=(Query(f"sum by (method) (rate(paystream_grpc_calls_total[{RATE}]))", "{{method}}"),),
                    unit="ops",
                ),
                Panel(
                    title="Calls that failed by no fault of the caller",
                    queries=(
                        Query(
                            "sum by (method, code) (rate(paystream_grpc_calls_total"
                            f'{{code=~"INTERNAL|UNKNOWN|UNAVAILABLE|DATA_LOSS"}}[{RATE}]))',
                            "{{method}} {{code}}",
                        ),
                    ),
                    unit="ops",
                    idle=True,
                ),
                Panel(
                    title="Time to answer",
                    queries=quantiles("paystream_grpc_call_seconds", "method", of=(0.99,)),
                    unit="s",
                ),
                Panel(
                    title="Calls in progress",
                    queries=(Query("sum by (instance) (paystream_grpc_calls_in_flight)", "{{instance}}"),),
                ),
                Panel(
                    title="Processor",
                    queries=(
                        Query(
                            f'sum by (instance) (rate(process_cpu_seconds_total{{job="paystream"}}[{RATE}]))',
                            "{{instance}}",
                        ),
                    ),
                    unit="percentunit",
                ),
                Panel(
                    title="Memory",
                    queries=(Query('process_resident_memory_bytes{job="paystream"}', "{{instance}}"),),
                    unit="bytes",
                ),
            ),
        ),
    ),
)
