"""Calls of notification create nothing that a repetition could create again."""

import uuid
from typing import Any

import pytest

from paykit.errors import RequestIdReused
from paystream.notification.v1 import notification_pb2 as pb
from tests.integration.notification.conftest import ANY, Office, example

REPEATED: dict[str, Any] = {}


async def test_a_repeated_resend_changes_nothing(office: Office) -> None:
    await office.deliver(example("settlement.events", "SettlementCompleted", merchant_id=office.merchant_id))
    (notification,) = await office.listed(merchant_id=office.merchant_id)
    await office.end()
    request = pb.ResendNotificationRequest(request_id=str(uuid.uuid4()), notification_id=notification.notification_id)
    first = await office.call.ResendNotification(request, ANY)
    await office.end()
    assert await office.call.ResendNotification(request, ANY) == first
    assert (await office.get(notification.notification_id)).notification.resend_count == 1
    request.notification_id = "ntf_" + "0" * 32
    with pytest.raises(RequestIdReused):
        await office.call.ResendNotification(request, ANY)
