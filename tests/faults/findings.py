"""What of the calls of one merchant is lost and what is there twice, from the call to the ledger and to Kafka."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from paykit.base.config import Settings
from paystream.payment.v1.events import PaymentFailed, PaymentSuccess, RefundFailed, RefundSuccess
from tests.line import topics
from tests.line.books import Books
from tests.line.processes import verify_ledger

_PAYMENTS = "SELECT payment_id, state FROM payment.payment WHERE merchant_id = $1"
_REFUNDS = "SELECT refund_id, state FROM payment.refund WHERE merchant_id = $1"
_CAPTURES = "SELECT capture_id FROM payment.payment WHERE merchant_id = $1 AND state = 'SUCCEEDED'"
_REFERENCES = "SELECT merchant_reference FROM payment.payment WHERE merchant_id = $1"
_TAKEN = """
    SELECT attempt.payment_id || ' ' || attempt.action || ' ' || coalesce(attempt.refund_id, '') AS what
    FROM payment.attempt JOIN payment.payment USING (payment_id) JOIN channel.channel_transaction USING (attempt_id)
    WHERE channel_transaction.outcome = 'APPROVED' AND payment.merchant_id = $1
"""
_BOOKED = "SELECT related_no FROM accounting.transaction WHERE merchant_id = $1 AND transaction_type = $2"
_SET_ASIDE = """
    SELECT (SELECT count(*) FROM payment.dead_letter) + (SELECT count(*) FROM accounting.dead_letter)
         + (SELECT count(*) FROM payment.parked_event) + (SELECT count(*) FROM accounting.parked_event)
"""


_END = {PaymentSuccess: "SUCCEEDED", PaymentFailed: "FAILED", RefundSuccess: "SUCCEEDED", RefundFailed: "FAILED"}
_NAMED = {
    PaymentSuccess: "payment_id",
    PaymentFailed: "payment_id",
    RefundSuccess: "refund_id",
    RefundFailed: "refund_id",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What is wrong; nothing, if all is well.

    Attributes:
        lost: Acknowledged and not recorded; or recorded with an end, and this not told of on Kafka, not booked in the
            ledger or not what happened at the acquirer.
        twice: Recorded, charged, told of, booked or answered more than once, or by nobody's request.
        left_aside: Dead letters and parked events.
        ledger: What `paystream ledger verify` complains of; empty if it finds its books right.
    """

    lost: Sequence[str]
    twice: Sequence[str]
    left_aside: int
    ledger: str


async def find(
    settings: Settings, kept: Books, *, merchant_id: str, payments: Sequence[str], refunds: Sequence[str]
) -> Findings:
    """Look for what became of all that a merchant was told of; nothing may be on its way any more.

    Args:
        settings: Past any proxy.
        kept: The services' tables.
        merchant_id: Whose calls.
        payments: Ids acknowledged, as often as requests were.
        refunds: Likewise.
    """
    states = {row["payment_id"]: row["state"] for row in await kept.rows(_PAYMENTS, merchant_id)}
    refund_states = {row["refund_id"]: row["state"] for row in await kept.rows(_REFUNDS, merchant_id)}
    captures = [row["capture_id"] for row in await kept.rows(_CAPTURES, merchant_id)]
    references = [row["merchant_reference"] for row in await kept.rows(_REFERENCES, merchant_id)]
    taken = [row["what"] for row in await kept.rows(_TAKEN, merchant_id)]
    booked = [row["related_no"] for row in await kept.rows(_BOOKED, merchant_id, "PaymentSuccess")]
    booked_refunds = [row["related_no"] for row in await kept.rows(_BOOKED, merchant_id, "RefundSuccess")]
    told = topics.once(await topics.events(settings, "payment.events"))
    stories = [f"{type(event).__name__} {getattr(event, event.KEY)} {event.aggregate_version}" for event in told]
    ends = {(_END[type(event)], getattr(event, _NAMED[type(event)])) for event in told if type(event) in _END}
    succeeded = {payment for payment, state in states.items() if state == "SUCCEEDED"}
    given_back = {refund for refund, state in refund_states.items() if state == "SUCCEEDED"}
    lost = [
        *_missing("payment", payments, states),
        *_missing("refund", refunds, refund_states),
        *_missing("booking of", captures, booked),
        *_missing("booking of", given_back, booked_refunds),
        *_missing("event of", {(state, each) for each, state in (states | refund_states).items()}, ends),
        *_missing("charge of", succeeded, {what.split(" ")[0] for what in taken if "CHARGE" in what}),
    ]
    twice = [
        *_repeated(payments, refunds, taken, references, booked, booked_refunds, stories),
        *_missing("nobody's", states, payments),
        *_missing("nobody's", refund_states, refunds),
        *_missing("unrecorded booking", booked, captures),
        *_missing("unrecorded booking", booked_refunds, given_back),
        *_missing("unrecorded charge", {what.split(" ")[0] for what in taken if "CHARGE" in what}, succeeded),
    ]
    verified = await asyncio.to_thread(verify_ledger, settings)
    return Findings(
        lost=lost,
        twice=twice,
        left_aside=await kept.number(_SET_ASIDE),
        ledger="" if verified.returncode == 0 else verified.stdout + verified.stderr,
    )


def _missing(what: str, wanted: Iterable[object], there: Iterable[object]) -> list[str]:
    return sorted(f"{what} {each}" for each in set(wanted) - set(there))


def _repeated(*lists: Iterable[str]) -> list[str]:
    return [f"{each}, {count} times" for found in lists for each, count in Counter(found).items() if count > 1]
