"""However a payment that waited for its payer ended, what can still be done with it, and what its channel then has.

The table is worked out by hand: of 10,000, refunds, captures and disputes are over 4,000 each.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

import pytest

from paykit.errors import DomainError
from paystream.payment.v1 import payment_pb2 as pb
from services.payment.jobs import attempts as jobs
from tests.integration.payment import disputing
from tests.integration.payment.capturing import advance
from tests.integration.payment.conftest import House
from tests.integration.payment.disputing import usd
from tests.integration.payment.test_payer_actions import HOUR, acts

APPROVED, DECLINED = pb.CHANNEL_OUTCOME_APPROVED, pb.CHANNEL_OUTCOME_DECLINED
PART = 4_000
MOVED: Mapping[str, tuple[int, str]] = {
    "PaymentSuccess": (1, "amount_minor"),
    "LateCaptureReceived": (1, "amount_minor"),
    "PaymentReversed": (-1, "amount_minor"),
    "RefundSuccess": (-1, "amount_minor"),
    "RefundReturned": (1, "amount_minor"),
    "DisputeOpened": (-1, "amount_minor"),
    "DisputeExceeded": (1, "excess_minor"),
}
"""Which way events move what the channel has of the payer's money, as the ledger is told it, and by which field."""


async def first(house: House, payment_id: str) -> pb.Attempt:
    return (await house.attempts(payment_id))[0]


async def waits(house: House, mode: Any = pb.CAPTURE_MODE_AUTOMATIC) -> str:
    house.channel.fate = acts
    return (await house.paid(capture_mode=mode)).payment_id


async def does(house: House, payment_id: str, reference: str = "ch_done") -> None:
    await house.report((await first(house, payment_id)).attempt_id, APPROVED, reference)
    await house.submit()


async def refuses(house: House, payment_id: str, code: str = "authentication_failed") -> None:
    attempt = await first(house, payment_id)
    await house.report(attempt.attempt_id, DECLINED, attempt.channel_reference, decline_code=code)
    await house.submit()


async def call_off(house: House, payment_id: str) -> None:
    await house.cancel(payment_id)
    await house.submit()


async def be_late(house: House, _payment_id: str) -> None:
    advance(house, HOUR)
    while await jobs.expire_actions(house.runtime):
        pass
    await house.submit()


async def bounce(house: House, payment_id: str) -> None:
    await refuses(house, payment_id, "charged_back")


async def do_twice(house: House, payment_id: str) -> None:
    await does(house, payment_id, "ch_again")


async def capture(house: House, payment_id: str) -> None:
    await house.capture(payment_id, PART)
    await house.submit()


async def refund(house: House, payment_id: str) -> None:
    await house.refund(payment_id, PART)
    await house.submit()


async def dispute(house: House, payment_id: str) -> None:
    """Dispute the last capture, or where there is none the call that waited."""
    first_, *others = await house.attempts(payment_id)
    disputed = [first_, *(each for each in others if each.action == pb.ATTEMPT_ACTION_CAPTURE)][-1]
    reference = f"chd_{payment_id[-6:]}"
    await disputing.report(house, disputed.attempt_id, disputing.OPENED, amount=usd(PART), dispute_reference=reference)


Step = Callable[[House, str], Awaitable[None]]
WAYS: Mapping[str, tuple[Any, tuple[Step, ...]]] = {
    "waits": (pb.CAPTURE_MODE_AUTOMATIC, ()),
    "did it": (pb.CAPTURE_MODE_AUTOMATIC, (does,)),
    "refused": (pb.CAPTURE_MODE_AUTOMATIC, (refuses,)),
    "called off": (pb.CAPTURE_MODE_AUTOMATIC, (call_off,)),
    "late": (pb.CAPTURE_MODE_AUTOMATIC, (be_late,)),
    "refused, did it": (pb.CAPTURE_MODE_AUTOMATIC, (refuses, does)),
    "called off, did it": (pb.CAPTURE_MODE_AUTOMATIC, (call_off, does)),
    "late, did it": (pb.CAPTURE_MODE_AUTOMATIC, (be_late, does)),
    "did it, bounced": (pb.CAPTURE_MODE_AUTOMATIC, (does, bounce)),
    "did it twice": (pb.CAPTURE_MODE_AUTOMATIC, (does, do_twice)),
    "waits to be held": (pb.CAPTURE_MODE_MANUAL, ()),
    "held": (pb.CAPTURE_MODE_MANUAL, (does,)),
    "called off, held": (pb.CAPTURE_MODE_MANUAL, (call_off, does)),
    "late, held": (pb.CAPTURE_MODE_MANUAL, (be_late, does)),
    "held, lost": (pb.CAPTURE_MODE_MANUAL, (does, bounce)),
    "held, captured": (pb.CAPTURE_MODE_MANUAL, (does, capture)),
}
THEN: Mapping[str, Step] = {"refund": refund, "void": call_off, "capture": capture, "dispute": dispute}


class Seen(NamedTuple):
    """What came of it; `kept_minor` is what the channel has, as events tell."""

    refusal: str
    state: str
    captured_minor: int
    refunded_minor: int
    disputed_minor: int
    kept_minor: int


async def seen(house: House, payment_id: str, refusal: str) -> Seen:
    payment, kept_minor = await house.get(payment_id), 0
    for event in await house.told(payment_id):
        sign, name = MOVED.get(type(event).__name__, (0, ""))
        kept_minor += sign * getattr(event, name) if sign else 0
    return Seen(
        refusal,
        pb.PaymentState.Name(payment.state).removeprefix("PAYMENT_STATE_"),
        payment.captured_minor - payment.reversed_minor,
        payment.refunded_minor,
        payment.disputed_minor,
        kept_minor,
    )


def _nothing(state: str) -> Mapping[str, Seen]:
    """Nothing can be done, and the channel has nothing: what came late was given back before."""
    return dict.fromkeys(THEN, Seen("ILLEGAL_TRANSITION", state, 0, 0, 0, 0))


TABLE: Mapping[str, Mapping[str, Seen]] = {
    "waits": {
        "refund": Seen("ILLEGAL_TRANSITION", "REQUIRES_ACTION", 0, 0, 0, 0),
        "void": Seen("", "CANCELLED", 0, 0, 0, 0),
        "capture": Seen("ILLEGAL_TRANSITION", "REQUIRES_ACTION", 0, 0, 0, 0),
        "dispute": Seen("ILLEGAL_TRANSITION", "REQUIRES_ACTION", 0, 0, 0, 0),
    },
    "did it": {
        "refund": Seen("", "SUCCEEDED", 10_000, 4_000, 0, 6_000),
        "void": Seen("ILLEGAL_TRANSITION", "SUCCEEDED", 10_000, 0, 0, 10_000),
        "capture": Seen("ILLEGAL_TRANSITION", "SUCCEEDED", 10_000, 0, 0, 10_000),
        "dispute": Seen("", "SUCCEEDED", 10_000, 0, 4_000, 6_000),
    },
    "refused": _nothing("FAILED"),
    "called off": _nothing("CANCELLED"),
    "late": _nothing("FAILED"),
    "refused, did it": _nothing("FAILED"),
    "called off, did it": _nothing("CANCELLED"),
    "late, did it": _nothing("FAILED"),
    "did it, bounced": {
        "refund": Seen("REFUND_EXCEEDS_REFUNDABLE", "SUCCEEDED", 0, 0, 0, 0),
        "void": Seen("ILLEGAL_TRANSITION", "SUCCEEDED", 0, 0, 0, 0),
        "capture": Seen("ILLEGAL_TRANSITION", "SUCCEEDED", 0, 0, 0, 0),
        "dispute": Seen("", "SUCCEEDED", 0, 0, 0, 0),
    },
    "did it twice": {
        "refund": Seen("", "SUCCEEDED", 10_000, 4_000, 0, 6_000),
        "void": Seen("ILLEGAL_TRANSITION", "SUCCEEDED", 10_000, 0, 0, 10_000),
        "capture": Seen("ILLEGAL_TRANSITION", "SUCCEEDED", 10_000, 0, 0, 10_000),
        "dispute": Seen("", "SUCCEEDED", 10_000, 0, 4_000, 6_000),
    },
    "waits to be held": {
        "refund": Seen("ILLEGAL_TRANSITION", "REQUIRES_ACTION", 0, 0, 0, 0),
        "void": Seen("", "CANCELLED", 0, 0, 0, 0),
        "capture": Seen("ILLEGAL_TRANSITION", "REQUIRES_ACTION", 0, 0, 0, 0),
        "dispute": Seen("ILLEGAL_TRANSITION", "REQUIRES_ACTION", 0, 0, 0, 0),
    },
    "held": {
        "refund": Seen("ILLEGAL_TRANSITION", "AUTHORIZED", 0, 0, 0, 0),
        "void": Seen("", "CANCELLED", 0, 0, 0, 0),
        "capture": Seen("", "SUCCEEDED", 4_000, 0, 0, 4_000),
        "dispute": Seen("ILLEGAL_TRANSITION", "AUTHORIZED", 0, 0, 0, 0),
    },
    "called off, held": _nothing("CANCELLED"),
    "late, held": _nothing("FAILED"),
    "held, lost": _nothing("FAILED"),
    "held, captured": {
        "refund": Seen("", "SUCCEEDED", 4_000, 4_000, 0, 0),
        "void": Seen("", "SUCCEEDED", 4_000, 0, 0, 4_000),
        "capture": Seen("", "SUCCEEDED", 8_000, 0, 0, 8_000),
        "dispute": Seen("", "SUCCEEDED", 4_000, 0, 4_000, 0),
    },
}


@pytest.mark.parametrize("way", WAYS)
async def test_what_can_be_done_after_a_payer_acted_or_did_not(house: House, way: str) -> None:
    mode, steps = WAYS[way]
    found = {}
    for name, then in THEN.items():
        payment_id = await waits(house, mode)
        for step in steps:
            await step(house, payment_id)
        try:
            await then(house, payment_id)
            refusal = ""
        except DomainError as error:
            refusal = error.reason
        found[name] = await seen(house, payment_id, refusal)
    assert found == TABLE[way]
