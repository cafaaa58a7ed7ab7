"""Every panel of every dashboard, drawn by Prometheus from what all services show while an order goes through."""

import shutil
from collections.abc import AsyncIterator

import pytest

from paykit.base.metrics import MetricsServer
from scripts.monitoring.dashboards import DASHBOARDS
from scripts.monitoring.panels import RATE
from tests.e2e.conftest import Line
from tests.line import prometheus
from tests.line.prometheus import Prometheus
from tests.line.selling import sell
from tests.line.waiting import until

WINDOW = "1m"
NUMBERS = (
    "sum(rate(paystream_accepted_to_booked_seconds_count[1m])) > 0",
    "sum(rate(paystream_closed_to_settled_seconds_count[1m])) > 0",
    "histogram_quantile(0.99, sum by (le, service) (rate(paystream_event_age_seconds_bucket[1m])))",
)
"""What must be a number while an order goes through."""

pytestmark = pytest.mark.skipif(
    prometheus.program() is None, reason="prometheus is not installed: it comes with Debian's package of that name"
)


@pytest.fixture(scope="module")
async def watching(line: Line, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Prometheus]:
    """Prometheus, which has scraped before and after an order went from its creation to the bank."""
    directory = tmp_path_factory.mktemp("prometheus")
    server = MetricsServer("127.0.0.1:0")
    try:
        async with prometheus.running(server.address, directory) as started:

            async def scraped() -> bool:
                return bool((await started.query('up{job="paystream"} == 1')).values)

            await until(scraped)
            await sell(line.clients)
            yield started
    finally:
        server.close()
        shutil.rmtree(directory)


async def test_what_an_order_moves_is_a_number_soon(watching: Prometheus) -> None:
    for expr in NUMBERS:

        async def seen(expr: str = expr) -> bool:
            return (await watching.query(expr)).any_number

        await until(seen)


async def test_every_panel_can_be_drawn_and_shows_something(watching: Prometheus) -> None:
    panels = [(dashboard.uid, panel) for dashboard in DASHBOARDS for panel in dashboard.panels]
    wanted = {
        (uid, panel.title, query.expr.replace(RATE, WINDOW)): panel.idle
        for uid, panel in panels
        for query in panel.queries
    }
    answers = {key: await watching.query(key[2]) for key in wanted}
    assert {key: answer.error for key, answer in answers.items() if answer.error} == {}

    async def empty() -> list[tuple[str, str, str]]:
        return [key for key, idle in wanted.items() if not idle and not (await watching.query(key[2])).values]

    async def none_empty() -> bool:
        return not await empty()

    try:
        await until(none_empty)
    except TimeoutError:
        assert await empty() == []


async def test_every_rule_is_evaluated_without_an_error(watching: Prometheus) -> None:
    async def evaluated() -> bool:
        return all(rule["health"] != "unknown" for rule in await watching.rules())

    await until(evaluated)
    assert {rule["name"]: rule.get("lastError") for rule in await watching.rules() if rule["health"] != "ok"} == {}
