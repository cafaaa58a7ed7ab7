"""Whatever becomes of the refunds of captures that bounce, no more of a fee returns than was charged."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from paystream.payment.v1 import events
from services.payment.domain import capture, refund, refund_share
from services.payment.domain.capture import Capture
from services.payment.domain.fee import CaptureTerms, capture_fee_minor
from services.payment.domain.later import refund_return, reversal
from services.payment.domain.movement import MovementState
from services.payment.domain.payment import Payment, PaymentState, refundable_minor
from services.payment.domain.refund import Refund
from services.payment.domain.refund_share import RefundShare, ShareChange
from tests.unit.payment.builders import ATTEMPT_ID, LATER, NOON, PAYMENT_ID, authorized, declined


@dataclass
class Book:
    """A payment with its captures and refunds, changed as the commands change them."""

    payment: Payment
    captures: dict[str, Capture]
    refunds: dict[str, Refund] = field(default_factory=dict)
    spread: dict[str, Sequence[RefundShare]] = field(default_factory=dict)

    def pick(self, which: int, *states: MovementState) -> Refund | None:
        found = [each for each in self.refunds.values() if each.state in states and not each.returned_minor]
        return found[which % len(found)] if found else None

    def bear(self, shares: Sequence[RefundShare], change: ShareChange) -> None:
        for share in shares:
            self.captures[share.capture_id] = change(self.captures[share.capture_id], share)

    def ask(self, amount_minor: int, *, unasked: bool) -> None:
        amount_minor = min(amount_minor, refundable_minor(self.payment))
        amount_minor = min(amount_minor, sum(map(capture.refundable_minor, self.captures.values())))
        if not amount_minor:
            return
        made = refund.create(
            self.payment,
            list(self.captures.values()),
            refund_id=f"ref_{len(self.refunds)}",
            amount_minor=amount_minor,
            currency_code="USD",
            reason=events.RefundReason.OTHER,
            now=NOON,
            unasked=unasked,
        )
        self.payment, self.refunds[made.refund.refund_id] = made.payment, made.refund
        self.spread[made.refund.refund_id] = made.shares
        self.captures |= {each.capture_id: each for each in made.captures}

    def succeed(self, amount_minor: int, which: int) -> None:
        if (found := self.pick(which, MovementState.CREATED)) is None:
            return
        held, amount_minor = self.spread[found.refund_id], min(amount_minor, found.amount_minor)
        paid = refund_share.fit(held, amount_minor)
        self._done(refund.succeed(self.payment, found, paid, amount_minor=amount_minor, **TOLD), paid)
        self.bear(held, refund_share.release)
        self.bear(paid, refund_share.pay_late)

    def fail(self, which: int) -> None:
        if (found := self.pick(which, MovementState.CREATED)) is None:
            return
        self.payment, failed, _ = refund.fail(self.payment, found, declined("x"), now=LATER)
        self.refunds[found.refund_id] = failed
        self.bear(self.spread[found.refund_id], refund_share.release)

    def succeed_late(self, amount_minor: int, which: int) -> None:
        if (found := self.pick(which, MovementState.FAILED)) is None:
            return
        amount_minor = min(amount_minor, found.amount_minor)
        paid = refund_share.backed(self.spread[found.refund_id], self.captures.values(), amount_minor)
        self._done(refund.succeed_late(self.payment, found, paid, amount_minor=amount_minor, **TOLD), paid)
        self.bear(paid, refund_share.pay_late)

    def come_back(self, amount_minor: int, which: int) -> None:
        if (found := self.pick(which, MovementState.SUCCEEDED)) is None:
            return
        shares, amount_minor = self.spread[found.refund_id], min(amount_minor, found.carried_out_minor)
        kept = refund_return.kept_shares(found, shares, amount_minor)
        differences = refund_share.differences(shares, kept)
        taken = refund_share.charged_again(differences, self.captures.values())
        self.payment, back, _ = refund_return.send_back(
            self.payment, found, taken, amount_minor=amount_minor, attempt_id=ATTEMPT_ID, code=None, now=LATER
        )
        self.refunds[found.refund_id], self.spread[found.refund_id] = back, kept
        self.bear(taken, refund_share.take_back)

    def bounce(self, amount_minor: int, which: int) -> None:
        found = list(self.captures.values())[which % len(self.captures)]
        if found.reversed_minor:
            return
        self.payment, bounced, _ = reversal.reverse(
            self.payment,
            found,
            amount_minor=min(amount_minor, reversal.left_minor(found)),
            attempt_id=ATTEMPT_ID,
            code=None,
            now=LATER,
        )
        self.captures[found.capture_id] = bounced

    def _done(self, done: tuple[Payment, Refund, Any], paid: Sequence[RefundShare]) -> None:
        self.payment, ended, _ = done
        self.refunds[ended.refund_id], self.spread[ended.refund_id] = ended, paid


TOLD: dict[str, Any] = {"attempt_id": ATTEMPT_ID, "channel_reference": "ch_r", "now": LATER}


def book(amounts: Sequence[int], terms: CaptureTerms) -> Book:
    """A payment captured in these parts."""
    captures: dict[str, Capture] = {}
    for number, amount_minor in enumerate(amounts):
        earlier = captures.values()
        made = Capture(
            capture_id=f"cap_{number}",
            payment_id=PAYMENT_ID,
            merchant_id="mer_1",
            amount_minor=amount_minor,
            currency_code="USD",
            final=False,
            state=MovementState.SUCCEEDED,
            channel_reference="ch_c",
            fee_minor=capture_fee_minor(
                amount_minor=amount_minor,
                terms=terms,
                captured_minor=sum(each.amount_minor for each in earlier),
                fee_minor=sum(each.fee_minor for each in earlier),
            ),
            fee_plan_version=1,
            refund_fee_returned=terms.refund_fee_returned,
            create_time=NOON,
            update_time=NOON,
        )
        captures[made.capture_id] = made
    paid = authorized(
        state=PaymentState.SUCCEEDED,
        captured_minor=sum(amounts),
        fee_minor=sum(each.fee_minor for each in captures.values()),
    )
    return Book(replace(paid, refund_fee_returned=terms.refund_fee_returned), captures)


def apply(course: Book, step: str, amount_minor: int, which: int, *, unasked: bool) -> None:
    match step:
        case "ask":
            course.ask(amount_minor, unasked=unasked)
        case "fail":
            course.fail(which)
        case "succeed":
            course.succeed(amount_minor, which)
        case "succeed late":
            course.succeed_late(amount_minor, which)
        case "come back":
            course.come_back(amount_minor, which)
        case _:
            course.bounce(amount_minor, which)


NAMES = st.sampled_from(["ask", "ask", "ask", "fail", "fail", "succeed", "succeed late", "come back", "bounce"])
STEPS = st.lists(st.tuples(NAMES, st.integers(1, 120), st.integers(0, 9), st.booleans()), max_size=25)
TERMS = st.builds(CaptureTerms, st.just(1), st.integers(0, 10_000), st.integers(0, 30), st.booleans())


@given(amounts=st.lists(st.integers(1, 100), min_size=1, max_size=3), terms=TERMS, steps=STEPS)
def test_no_course_of_later_words_returns_more_of_a_fee_than_was_charged(
    amounts: list[int], terms: CaptureTerms, steps: list[Any]
) -> None:
    course = book(amounts, terms)
    for step, amount_minor, which, unasked in steps:
        apply(course, step, amount_minor, which, unasked=unasked)
        of_all: list[Payment | Capture] = [course.payment, *course.captures.values()]
        for each in of_all:
            assert min(each.fee_returned_minor, each.fee_returning_minor) >= 0
            assert each.fee_returned_minor + each.fee_returning_minor <= each.fee_minor
        own = course.captures.values()
        assert course.payment.fee_returned_minor == sum(each.fee_returned_minor for each in own)
        assert course.payment.fee_returning_minor == sum(each.fee_returning_minor for each in own)
