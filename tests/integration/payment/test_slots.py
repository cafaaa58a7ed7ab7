"""Everything that is made for a merchant has the slot of its id."""

from paykit.ids import slot_of
from paystream.payment.v1 import payment_pb2 as pb
from tests.integration.payment.conftest import House

IDS = """
SELECT payment_id FROM payment UNION ALL SELECT attempt_id FROM attempt UNION ALL SELECT capture_id FROM capture
UNION ALL SELECT refund_id FROM refund UNION ALL SELECT allotted_capture_id FROM attempt WHERE allotted_capture_id <> ''
"""


async def test_ids_of_payments_attempts_captures_refunds_and_events_have_the_slot_of_their_merchant(
    house: House,
) -> None:
    charged = await house.paid()
    authorized = await house.authorized()
    await house.capture(authorized.payment_id, 4_000)
    await house.refund(charged.payment_id, 1_000)
    await house.submit()

    rows = await house.runtime.read(lambda tx: tx.fetch(IDS))
    events = [event for payment in (charged, authorized) for event in await house.told(payment.payment_id)]
    ids = [row[0] for row in rows] + [event.event_id for event in events]
    assert len(ids) >= 15
    assert {slot_of(each) for each in ids} == {slot_of(house.merchant_id)}
    assert (await house.get(authorized.payment_id)).state == pb.PAYMENT_STATE_SUCCEEDED
