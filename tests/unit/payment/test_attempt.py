"""What a failure at a channel means in payment's words."""

import pytest

from paykit.channels.attempts import Evidence, EvidenceOutcome, Source, Verdict
from services.payment.domain import attempt
from tests.unit.payment.builders import ATTEMPT_ID, LATER
from tests.unit.payment.builders import attempt as attempt_in


def failed(code: str | None, outcome: EvidenceOutcome = EvidenceOutcome.FAILED) -> Evidence:
    return Evidence(attempt_id=ATTEMPT_ID, source=Source.CALLBACK, outcome=outcome, failure_code=code)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("do_not_honor", "DECLINED"),
        ("insufficient_funds", "INSUFFICIENT_FUNDS"),
        ("expired_card", "METHOD_EXPIRED"),
        ("invalid_method", "METHOD_INVALID"),
        ("suspected_fraud", "FRAUD_SUSPECTED"),
        ("limit_exceeded", "LIMIT_EXCEEDED"),
        ("invalid_argument", "CHANNEL_REJECTED"),
        ("never_heard_of", "CHANNEL_REJECTED"),
        (None, "DECLINED"),
    ],
)
def test_every_code_of_a_channel_has_a_reason(code: str | None, reason: str) -> None:
    after = attempt.decide(attempt_in(), failed(code), Verdict.FAIL, now=LATER)

    assert (after.state, after.failure_reason, after.failure_code) == ("FAILED", reason, code)


def test_what_a_channel_never_got_is_not_received() -> None:
    assert attempt.failure_reason(failed(None, EvidenceOutcome.NOT_FOUND)) == "NOT_RECEIVED"
