"""No call that takes a request id is left out: it keeps what it creates, and is held to that, or it creates nothing."""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor, MethodDescriptor

from paykit.process.catalogue import load_service, schema_names
from paykit.serve.operations import Operation
from paykit.testing.servicing import describe
from tests.integration.accounting import test_repeated_calls as of_accounting
from tests.integration.channel import test_repeated_calls as of_channel
from tests.integration.merchant import test_repeated_calls as of_merchant
from tests.integration.notification import test_repeated_calls as of_notification
from tests.integration.notification.webhooks import test_repeated_calls as of_webhooks
from tests.integration.order import test_repeated_calls as of_order
from tests.integration.payment import test_repeated_calls as of_payment
from tests.integration.reconciliation import test_repeated_calls as of_reconciliation
from tests.integration.settlement import test_repeated_calls as of_settlement
from tests.integration.withdrawal import test_repeated_calls as of_withdrawal
from tests.line import books

REPEATED: Mapping[str, Mapping[str, Any]] = {
    "accounting": of_accounting.REPEATED,
    "channel": of_channel.REPEATED,
    "merchant": of_merchant.REPEATED,
    "notification": {**of_notification.REPEATED, **of_webhooks.REPEATED},
    "order": of_order.REPEATED,
    "payment": of_payment.REPEATED,
    "reconciliation": of_reconciliation.REPEATED,
    "settlement": of_settlement.REPEATED,
    "withdrawal": of_withdrawal.REPEATED,
}

CHANGES: Mapping[str, Mapping[str, str]] = {
    "accounting": {
        "ApproveJournal": "a decided proposal cannot be decided",
        "RejectJournal": "a decided proposal cannot be decided",
        "ClosePeriod": "what is closed stays closed, and asking again changes nothing",
    },
    "channel": {
        "SetOutcome": "an outcome that stands already cannot be set",
        "AdvanceDispute": "a stage that was reached is not reached again, nor a decision that stands taken again",
        "DeclineRefunds": "it says how many of the next refunds are declined, not how many more",
        "SetBehaviour": "what is set already stays as it is",
    },
    "merchant": {
        "ActivateMerchant": "an active merchant stays as it is",
        "SuspendMerchant": "a suspended merchant stays as it is",
        "RestrictMerchant": "what is restricted so already stays as it is",
        "UpdateMerchant": "fields get the values that they have; with an etag, what was changed since is kept",
    },
    "notification": {
        "ResendNotification": "what is on its way is not sent again, and what was sent since goes out as another mail",
        "RotateWebhookSecret": "within a day it is the same rotation; later it is another, whose secret is shown",
        "ReplayWebhookEvents": "what is pending already is due at once, and webhook-id tells receivers the same event",
        "SendTestWebhook": "a day later it is another test",
        "SetPreferences": "preferences get the values that they have; with an etag, what was changed since is kept",
        "UpdateWebhookEndpoint": "fields get the values that they have; with an etag, what was changed since is kept",
        "DeleteWebhookEndpoint": "a deleted endpoint stays deleted",
    },
    "order": {
        "UpdateOrder": "metadata gets the values that it has; with an etag, what was changed since is kept",
        "CancelOrder": "a cancelled order cannot be cancelled",
        "CompleteOrder": "a completed order cannot be completed",
        "EraseContact": "what was erased stays as it was",
    },
    "payment": {
        "EraseContact": "what was erased stays as it was",
        "UpdatePayment": "metadata gets the values that it has; with an etag, what was changed since is kept",
        "CancelPayment": "what is given up, or being given up, cannot be given up",
        "CancelRefund": "a refund that was given up does not wait",
        "AcceptDispute": "an answered dispute cannot be answered",
        "ContestDispute": "an answered dispute cannot be answered",
        "AddDisputeFile": "a file that the dispute has, by its content, is not kept again",
        "ProposeResolution": "what is proposed cannot be proposed again before it is rejected",
        "ApproveResolution": "a resolved contradiction cannot be resolved",
        "RejectResolution": "without a proposal there is nothing to reject",
        "RetryRefund": "while a refund of it is under way, or it was given back, nothing is tried",
    },
    "reconciliation": {
        "ImportStatement": "a file that was imported, by its bytes, is not imported again",
        "ResolveDiscrepancy": "what waits for another person keeps a second proposal away, and what is over stays so",
        "ApproveCorrection": "a decided correction cannot be decided",
        "RejectCorrection": "a decided correction cannot be decided",
        "ActivateRuleSet": "an active rule set cannot be activated",
    },
    "settlement": {"ExtendReserve": "the time it is held until is not later than itself"},
    "withdrawal": {
        "ApproveWithdrawal": "a decided withdrawal cannot be decided",
        "CancelWithdrawal": "a cancelled withdrawal cannot be cancelled",
        "RejectWithdrawal": "a decided withdrawal cannot be decided",
        "VerifyBankAccount": "a verified account stays verified",
        "DisableBankAccount": "a disabled account stays disabled",
        "ProposeResolution": "what is proposed cannot be proposed again before it is rejected",
        "ApproveResolution": "a resolved contradiction cannot be resolved",
        "RejectResolution": "without a proposal there is nothing to reject",
    },
}
"""Calls that create nothing and change what is there already, each with why it moves nothing when it comes again."""

# Servicers only keep the runtime for later, so what they serve can be asked without one.
NO_RUNTIME: Any = None

STREAMS = {"payment": {"StreamCreatePayments"}}
"""Streams of what other calls create one by one; they make the same calls of it."""


def identified(method: MethodDescriptor) -> bool:
    """Say whether a method takes a request id, or items with one."""
    fields = [field for field in method.input_type.fields if field.name in {"request", "requests", "header"}]
    items = [field.message_type for field in fields]
    return any(_has_request_id(message) for message in (method.input_type, *items) if message is not None)


def operations_of(service: str) -> Iterator[Operation[Any, Any, Any]]:
    package = importlib.import_module(f"services.{service}")
    for module in pkgutil.walk_packages(package.__path__, prefix=f"services.{service}."):
        if ".migrations" not in module.name:
            values = vars(importlib.import_module(module.name)).values()
            yield from (value for value in values if isinstance(value, Operation))


@pytest.mark.parametrize("service", schema_names())
def test_every_call_with_a_request_id_creates_once_for_good_or_changes_what_is_there(service: str) -> None:
    served = load_service(service).servicers(NO_RUNTIME)
    taken = {method.name for one in served for method in describe(one.full_name).methods if identified(method)}
    named = {*REPEATED.get(service, {}), *CHANGES.get(service, ()), *STREAMS.get(service, ())}
    assert taken == named


@pytest.mark.parametrize("service", schema_names())
def test_what_creates_keeps_its_call_and_what_changes_does_not(service: str) -> None:
    taken = {operation.name: operation.creates is not None for operation in operations_of(service)}
    created = {method for method in REPEATED.get(service, {}) if not method.startswith("Batch")}
    changed = set(CHANGES.get(service, ()))
    assert {name for name, creates in taken.items() if creates} == created
    assert changed <= taken.keys() - created


def _has_request_id(message: Descriptor) -> bool:
    return "request_id" in message.fields_by_name and not message.name.startswith("Report")


AT_ONCE = {
    "order": {"CreateOrder"},
    "payment": {"CapturePayment", "CreatePayment", "CreateRefund"},
    "withdrawal": {"CreateWithdrawal"},
}
"""Calls that are not claimed beforehand."""
_UNIQUE_KEYS = """
SELECT indrelid::regclass::text AS name FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ALL (indkey)
WHERE indisunique AND attname = 'request_key' AND indnkeyatts = 1
    AND pg_get_expr(indpred, indrelid) = '(request_key IS NOT NULL)'
"""


@pytest.mark.parametrize("service", schema_names())
async def test_what_is_not_claimed_beforehand_creates_rows_with_a_unique_key_of_their_call(
    admin_url: str, service: str
) -> None:
    at_once = {operation.name: operation for operation in operations_of(service) if operation.at_once}
    assert set(at_once) == AT_ONCE.get(service, set())
    async with books.opened(admin_url) as kept:
        unique = {row["name"].rpartition(".")[2].strip('"') for row in await kept.rows(_UNIQUE_KEYS)}
    assert {operation.creates.table.quoted.strip('"') for operation in at_once.values() if operation.creates} <= unique
