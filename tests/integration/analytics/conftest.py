"""The analytics service on a real database, told events by hand and called as a servicer."""

from itertools import groupby
from typing import Any

import pytest

from paykit.consume.delivery import Delivered, Record
from paykit.ids import new_id
from paykit.process.runtime import Runtime
from paykit.testing.runtimes import act_as
from paystream.analytics.v1 import analytics_pb2 as pb
from services.analytics import handlers
from services.analytics.service import SERVICE
from tests.conftest import RuntimeOf
from tests.integration import shared_database
from tests.integration.payment.conftest import merchant_event
from tests.line.replies import checked
from tests.line.servicers import AnalyticsCalls

ANY: Any = None

database_url = shared_database.of_a_module()
emptied = shared_database.emptied("analytics")


class Observatory:
    """The analytics service, and one merchant whose money moves."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.call = checked(AnalyticsCalls(runtime))
        self.merchant_id = new_id("mer")

    async def know_merchant(self, time_zone: str = "UTC", **changes: Any) -> str:
        """Have an event of a merchant applied; give the merchant's id."""
        event = merchant_event(**{"merchant_id": self.merchant_id} | changes)
        policy = event.settlement_policy.__class__(
            **{name: getattr(event.settlement_policy, name) for name in event.settlement_policy.__slots__}
            | {"time_zone": time_zone}
        )
        event = merchant_event(**{"merchant_id": self.merchant_id, "settlement_policy": policy} | changes)
        deliveries = [Delivered(event, Record(event.TOPIC, 0, 0, str(event.merchant_id), b"", ()))]
        await self.runtime.transaction(lambda tx: handlers.on_merchant_changed(tx, deliveries))
        return str(event.merchant_id)

    async def tell(self, *events: Any, partition: int = 0) -> None:
        """Have events applied, those of one type that follow each other at once."""
        for _, group in groupby(events, key=type):
            deliveries = [
                Delivered(event, Record(event.TOPIC, partition, 0, getattr(event, event.KEY), b"", ()))
                for event in group
            ]
            await self.runtime.transaction(lambda tx, told=deliveries: handlers.on_event(tx, told))  # type: ignore[misc]

    async def query(self, **wanted: Any) -> list[pb.MetricRow]:
        return list((await self.call.QueryMetrics(pb.QueryMetricsRequest(**wanted), ANY)).rows)

    async def stats(self, **wanted: Any) -> pb.GetMerchantStatsResponse:
        request = pb.GetMerchantStatsRequest(**{"merchant_id": self.merchant_id} | wanted)
        return await self.call.GetMerchantStats(request, ANY)


@pytest.fixture
async def observatory(runtime_of: RuntimeOf) -> Observatory:
    act_as("analyst")
    return Observatory(await runtime_of(SERVICE))
