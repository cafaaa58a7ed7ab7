"""Row (j): what spans cost CreatePayment: the same calls with no collector, and with none, 1 % and all of them sampled.

Four payment services run side by side on one database, with role api only, and are called in turn, several times: so
what slows the machine for a while slows all of them. Compared is the processor time that the service itself takes for
a call, which its neighbours change less than how long a call lasts. The collector takes spans and keeps none.
"""

import statistics
import urllib.request
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from bench import calls, children
from bench.ground import Ground, plot

TURNS = 4
"""How often each service is called."""
IN_FLIGHT = 64
SHARES: Mapping[str, str | None] = {"off": None, "none": "0", "some": "0.01", "all": "1"}
"""The share of traces that is sampled, by the name of its figure; None: spans go nowhere."""


@dataclass(frozen=True, slots=True)
class _Used:
    """What a service has used since it started."""

    calls: float
    cpu_s: float


async def measure(ground: Ground, *, seconds: float) -> dict[str, float]:
    """Measure microseconds of processor time for a call, with each share; `seconds` are spent on each turn."""
    spent_us: dict[str, list[float]] = {name: [] for name in SHARES}
    async with plot(ground) as own, AsyncExitStack() as running:
        merchants = await calls.know_merchants(own)
        collector = await running.enter_async_context(children.echo(own))
        services = {}
        for name, share in SHARES.items():
            metrics = children.free_address()
            spans = {} if share is None else {"otlp_endpoint": f"http://{collector}", "trace_sample_ratio": share}
            address = await running.enter_async_context(
                children.service(own, "payment", role="api", log_level="warning", metrics_address=metrics, **spans)
            )
            services[name] = (address, metrics)
        for turn in range(TURNS + 1):
            for name, (address, metrics) in services.items():
                before = _used(metrics)
                step = calls.step(address, f"{calls.PAYMENT}/CreatePayment", merchants, IN_FLIGHT, seconds)
                await children.load([step], seconds_max=seconds * 2 + 50)
                after = _used(metrics)
                if turn:  # The first warms up.
                    spent_us[name].append((after.cpu_s - before.cpu_s) / (after.calls - before.calls) * 1e6)
    return {f"tracing_{name}_us": statistics.median(each) for name, each in spent_us.items()}


def _used(address: str) -> _Used:
    """Read what a service has used from its metrics."""
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as page:
        text = page.read().decode()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return _Used(
        calls=sum(each.value for each in samples if each.name == "paystream_grpc_calls_total"),
        cpu_s=sum(each.value for each in samples if each.name == "process_cpu_seconds_total"),
    )
