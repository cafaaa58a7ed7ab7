"""An answer that is recorded after the callback that followed it changes nothing, on a real database."""

from typing import Any

import pytest

from paykit.cause import Cause
from paykit.channels.attempts import Evidence, EvidenceOutcome, RecordEvidence, Source
from paystream.payment.v1 import payment_pb2 as pb
from services.payment import commands
from tests.integration.payment.capturing import attempt_of
from tests.integration.payment.conftest import House
from tests.integration.payment.contradicting import contradictions
from tests.integration.payment.test_later_words import APPROVED, CHARGE, DECLINED, usd

CAUSE = Cause("cor_overtaken", None, "channel", None)


async def answer(house: House, attempt_id: str, source: Source, outcome: str, **said: Any) -> None:
    """Record what a call, or an inquiry, was answered with."""
    told = Evidence(attempt_id=attempt_id, source=source, outcome=EvidenceOutcome(outcome), **said)
    items = [RecordEvidence(evidence=told, cause=CAUSE)]
    await house.runtime.transaction(lambda tx: commands.evidence.record_evidence(tx, items))


@pytest.mark.parametrize("source", [Source.RESPONSE, Source.INQUIRY])
async def test_a_decline_that_was_overtaken_by_an_approval_takes_nothing_back(house: House, source: Source) -> None:
    house.channel.fate = lambda _: "lost_before"
    paid = await house.paid(amount=usd(1_000))
    attempt = await attempt_of(house, paid.payment_id, CHARGE)
    await house.report(attempt.attempt_id, APPROVED, "ch_1")

    await answer(house, attempt.attempt_id, source, "FAILED", failure_code="do_not_honor")

    after = await house.get(paid.payment_id)
    assert (after.state, after.captured_minor, after.reversed_minor) == (pb.PAYMENT_STATE_SUCCEEDED, 1_000, 0)
    assert [type(event).__name__ for event in await house.told(paid.payment_id)].count("PaymentReversed") == 0
    assert await contradictions(house) == []
    kept = await house.runtime.read(
        lambda tx: tx.fetch("SELECT source, outcome, verdict FROM evidence ORDER BY record_time")
    )
    assert [tuple(row) for row in kept] == [
        ("CALLBACK", "SUCCEEDED", "SUCCEED"),
        (source, "FAILED", "CONFIRM"),
    ]
    # What the channel says after that is believed as ever.
    await house.report(attempt.attempt_id, DECLINED, "ch_1", decline_code="charged_back")
    assert (await house.get(paid.payment_id)).reversed_minor == 1_000


async def test_an_approval_that_was_overtaken_by_a_decline_receives_nothing(house: House) -> None:
    house.channel.fate = lambda _: "lost_before"
    paid = await house.paid(amount=usd(1_000))
    attempt = await attempt_of(house, paid.payment_id, CHARGE)
    await house.report(attempt.attempt_id, DECLINED, "ch_1", decline_code="revoked")

    await answer(house, attempt.attempt_id, Source.RESPONSE, "SUCCEEDED", channel_reference="ch_1")

    after = await house.get(paid.payment_id)
    assert (after.state, after.captured_minor) == (pb.PAYMENT_STATE_FAILED, 0)
    assert await contradictions(house) == []
