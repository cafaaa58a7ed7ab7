"""What looks at replies in the other tests sees one that breaks a rule."""

import pytest

from paystream.common.v1.money_pb2 import Money, SignedMoney
from paystream.journey.v1 import journey_pb2 as journey_pb
from paystream.payment.v1 import payment_pb2 as pb
from tests.line.replies import ReplyInvalid, checked, keeping_rules

LOST = SignedMoney(amount_minor=-5, currency_code="USD")


class Payments:
    async def GetPayment(self, amount_minor: int, _context: None) -> pb.GetPaymentResponse:  # noqa: N802
        amount = Money(amount_minor=amount_minor, currency_code="USD")
        return pb.GetPaymentResponse(payment=pb.Payment(payment_id="pay_" + "0" * 32, amount=amount))


def test_a_rule_is_kept_wherever_in_a_reply_it_stands() -> None:
    step = journey_pb.Step(amount=LOST, entries=[journey_pb.JournalEntry(effect=LOST)])
    kept = journey_pb.GetJourneyResponse(steps=[step])
    assert keeping_rules(kept) is kept
    step.entries[0].effect.currency_code = "usd"
    with pytest.raises(ReplyInvalid, match=r"GetJourneyResponse: steps\[0\]\.entries\[0\]\.effect\.currency_code"):
        keeping_rules(journey_pb.GetJourneyResponse(steps=[step]))


async def test_a_servicer_that_is_called_directly_is_looked_at() -> None:
    servicer = checked(Payments())
    assert (await servicer.GetPayment(1, None)).payment.amount.amount_minor == 1
    with pytest.raises(ReplyInvalid, match=r"payment\.amount\.amount_minor"):
        await servicer.GetPayment(0, None)
