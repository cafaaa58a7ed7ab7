"""No command and no handler is left out of the property that a batch equals its items one at a time."""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from paykit.process.catalogue import load_service, schema_names
from paykit.serve.operations import Operation
from tests.integration.accounting import test_properties as of_accounting
from tests.integration.analytics import test_batches as of_analytics
from tests.integration.channel import test_batches as of_channel
from tests.integration.merchant import test_batches as of_merchant
from tests.integration.notification import test_properties as of_notification
from tests.integration.notification.webhooks import test_batches as of_webhooks
from tests.integration.order import test_properties as of_order
from tests.integration.payment import test_capture_properties as of_captures
from tests.integration.payment import test_contradiction_properties as of_contradictions
from tests.integration.payment import test_dispute_properties as of_disputes
from tests.integration.payment import test_properties as of_payment
from tests.integration.payment import test_refund_fund_properties as of_refund_funds
from tests.integration.reconciliation import test_properties as of_reconciliation
from tests.integration.settlement import test_properties as of_settlement
from tests.integration.withdrawal import test_properties as of_withdrawal

# The tests of a service hold each of its steps, under the name of the command or handler, to the property.
STEPS: Mapping[str, Mapping[str, Any]] = {
    "accounting": of_accounting.STEPS,
    "analytics": of_analytics.STEPS,
    "channel": of_channel.STEPS,
    "merchant": of_merchant.STEPS,
    "notification": {**of_notification.STEPS, **of_webhooks.STEPS},
    "order": of_order.STEPS,
    "payment": {
        **of_payment.STEPS,
        **of_captures.STEPS,
        **of_disputes.STEPS,
        **of_contradictions.STEPS,
        **of_refund_funds.STEPS,
    },
    "reconciliation": of_reconciliation.STEPS,
    "settlement": of_settlement.STEPS,
    "withdrawal": of_withdrawal.STEPS,
}


def commands_of(service: str) -> Iterator[str]:
    """Name the commands of every operation that a module of the service defines."""
    package = importlib.import_module(f"services.{service}")
    for module in pkgutil.walk_packages(package.__path__, prefix=f"services.{service}."):
        if ".migrations" in module.name:
            continue
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, Operation):
                yield value.command.__name__


def handlers_of(service: str) -> Iterator[str]:
    for subscription in load_service(service).subscriptions:
        for handle in subscription.handles.values():
            yield handle.handler.__name__


@pytest.mark.parametrize("service", schema_names())
def test_every_command_and_handler_is_held_to_the_property(service: str) -> None:
    wanted = {*commands_of(service), *handlers_of(service)}
    assert wanted
    assert set(STEPS.get(service, ())) == wanted
