"""One merchant's line as it should be: what is accepted, what is refused for which reason, and what comes of it.

A world takes requests (`alternatives`), each of which may be answered in one or several ways, since what one service
has heard from another is not fixed; `finish` then lets everything that is under way come to its end. Two requests made
at once are tried in both orders, the second before or after the first has come to its end. What is left are the worlds
in which the answers are those that were given.
"""

import copy
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tests.e2e.model import rules
from tests.e2e.model.asking import (
    Act,
    AnswerDispute,
    Ask,
    CancelOrder,
    Capture,
    CreateOrder,
    Decide,
    OpenDispute,
    Pay,
    Refund,
    Settle,
    Void,
    Withdraw,
)
from tests.e2e.model.funds import ILLEGAL, Funds
from tests.e2e.model.parts import Order, Part, Payment
from tests.e2e.model.rules import Fees

RETURNS_AT_ONCE_MAX = 3
"""Of the refunds that come back of what is asked at once, how many are looked at with time before that and without."""
RECOVERED_SOONER_MAX = 3
"""Of the refunds of expired orders, how many are looked at before reserves are released and after."""


@dataclass
class World(Funds):
    """Everything of one merchant. Amounts are in minor units.

    Attributes:
        late: Of refunds that come back, in turn: whether what is owed meanwhile is recovered before; not when left out.
        returns: Refunds that came back in all.
        fees: By currency, as the plan in force says.
        closed: The currencies that take no new business any more.
    """

    fees: dict[str, Fees]
    closed: set[str] = field(default_factory=set)
    late: list[bool] = field(default_factory=list)
    returns: int = 0
    orders: dict[int, Order] = field(default_factory=dict)
    payments: dict[int, Payment] = field(default_factory=dict)

    def alternatives(self, ask: Ask) -> Iterator[tuple[str, "World"]]:
        """Give each way a request may be answered: the reason of a refusal, or `""`, and the world after it."""
        if isinstance(ask, Pay) and ask.order is not None and self.orders[ask.order].state != "CREATED":
            # Payment may not have heard yet that the order is paid or closed.
            yield "ORDER_CLOSED", self
        after = copy.deepcopy(self)
        reason = after._take(ask)
        yield reason, copy.deepcopy(self if reason else after)
        if isinstance(ask, Pay | CancelOrder) and not reason and after._withdraw_unsent(ask.order):
            yield reason, after

    def finish(self) -> None:
        """Let everything under way come to its end, and what that leads to."""
        while self.under_way:
            self._end(self.under_way[0])
            self.recover()
        self.recover()

    def _end(self, what: tuple[str, int, int]) -> None:
        """Let one thing under way come to its end."""
        self.under_way.remove(what)
        kind, index, part = what
        getattr(self, f"_end_{kind}")(index, part)

    def ends(self) -> Iterator["World"]:
        """Give the worlds in which all that is under way has come to its end: with and without time before returns."""
        start = copy.deepcopy(self)
        self.finish()
        yield self
        for late in itertools.product((False, True), repeat=min(self.returns - start.returns, RETURNS_AT_ONCE_MAX)):
            other = copy.deepcopy(start)
            other.late = list(late)
            other.finish()
            other.late = []
            if other != self:
                yield other

    def advance(self, *, daily: bool = False) -> list["World"]:
        """Let more than a week pass: orders, authorizations and what payers have to do expire, disputes are lost.

        Reserves are released, in the worlds that are given before or after what is given back of expired orders.

        A merchant that is settled daily is so at the first cut-off: what happens after all that time is of a later one.
        """
        due = len(self.settlements)
        self._expire(daily=daily)
        while others := [each for each in self.under_way if each[0] != "refund"]:
            self._end(others[0])
        refunds, worlds = self.under_way, list[World]()
        # Any of them may have been recovered from what was available before anything is released.
        for sooner in itertools.product((False, True), repeat=min(len(refunds), RECOVERED_SOONER_MAX)):
            world, first = copy.deepcopy(self), [*itertools.compress(refunds, sooner)]
            world.under_way = [*first]
            world.finish()
            world.release(world.settlements[:due])
            world.under_way = [each for each in refunds if each not in first]
            world.finish()
            worlds += [] if world in worlds else [world]
        return worlds

    def _expire(self, *, daily: bool) -> None:
        """Settle at the first cut-off, and let expire what does."""
        for made in self.withdrawals.values():
            made.recent = False
        for currency in {each for each, kind in self.accounts if kind == "settlement"} if daily else ():
            self._settle(Settle(currency))
        for number, order in self.orders.items():
            if order.expires and order.state == "CREATED":
                order.state = "EXPIRED"
                self.under_way.append(("closing", number, 0))
        for number, payment in self.payments.items():
            if payment.capturable:
                self._start_void(number)
            if payment.state == "REQUIRES_ACTION":
                payment.state, payment.waited = "FAILED", "EXPIRED"
            for part, dispute in enumerate(payment.disputes):
                if dispute.state == "OPENED":
                    dispute.note = "LOST"
                    self.under_way.append(("dispute", number, part))

    def _take(self, ask: Ask) -> str:
        takes = {
            CreateOrder: self._create_order,
            CancelOrder: self._cancel_order,
            Pay: self._pay,
            Act: self._act,
            Capture: self._capture,
            Void: self._void,
            Refund: self._refund,
            OpenDispute: self._open_dispute,
            AnswerDispute: self._answer_dispute,
            Settle: self._settle,
            Withdraw: self._withdraw,
            Decide: self._decide,
        }
        take = takes[type(ask)]
        return str(take(ask))  # type: ignore[operator]

    # Orders.

    def _create_order(self, ask: CreateOrder) -> str:
        self.orders[ask.number] = Order(ask.currency, ask.total, ask.expires)
        return ""

    def _cancel_order(self, ask: CancelOrder) -> str:
        order = self.orders[ask.order]
        if order.state != "CREATED":
            return ILLEGAL
        order.state = "CANCELLED"
        self.under_way.append(("closing", ask.order, 0))
        return ""

    def _end_closing(self, index: int, _part: int) -> None:
        """Give back what was captured for a closed order, and give up what is authorized."""
        for number, payment in self.payments.items():
            if payment.order == index and payment.state == "REQUIRES_ACTION":
                self._start_calling_off(number)
            if payment.order == index and payment.state in {"AUTHORIZED", "SUCCEEDED"}:
                if payment.refundable > 0:
                    self._start_refund(number, payment.refundable, "ORDER_CANCELLED")
                if payment.uncaptured:
                    self._start_void(number)

    def _withdraw_unsent(self, order: int | None) -> bool:
        """Cancel the payments of a closed order that no channel was called for yet; say whether there may be any."""
        unsent = [number for number, each in self.payments.items() if each.order == order and each.state == "CREATED"]
        if order is None or not self.orders[order].closed or not unsent:
            return False
        for number in unsent:
            payment = self.payments[number]
            payment.state, payment.cancelled, payment.giving_up = "CANCELLED", payment.amount, True
        first = {"authorization", "charge"}
        self.under_way = [each for each in self.under_way if each[0] not in first or each[1] not in unsent]
        return True

    # Payments.

    def _pay(self, ask: Pay) -> str:
        if ask.currency in self.closed:
            return "CURRENCY_CLOSED"
        if ask.order is not None:
            order = self.orders[ask.order]
            taken = sum(each.taken_of_order for each in self.payments.values() if each.order == ask.order)
            if ask.amount > order.total - taken:
                return "ORDER_AMOUNT_EXCEEDED"
        self.payments[ask.number] = Payment(ask.currency, ask.amount, ask.manual, ask.order)
        self.under_way.append(("authorization" if ask.manual else "charge", ask.number, 0))
        return ""

    def _end_authorization(self, index: int, _part: int) -> None:
        payment = self.payments[index]
        if self._waits(index):
            return
        if not self._is_begun(payment):
            payment.state = "FAILED"
            return
        payment.state, payment.authorized = "AUTHORIZED", payment.amount
        if payment.order is not None and self.orders[payment.order].closed:
            self._start_void(index)

    def _end_charge(self, index: int, _part: int) -> None:
        payment = self.payments[index]
        if self._waits(index):
            return
        if self._is_begun(payment):
            payment.captures.append(Part(payment.amount))
            self._end_capture(index, 0)
            return
        payment.state = "FAILED"
        if payment.amount % rules.WHOLE in rules.DONE_AFTER_ALL:
            self._give_back_late(index, payment.amount)

    def _waits(self, index: int) -> bool:
        """Have a payment wait for its payer, if it does; one whose order is closed is called off at once."""
        payment = self.payments[index]
        if payment.waited or not rules.waits_for(payment.amount):
            return False
        payment.state, payment.waited = "REQUIRES_ACTION", "WAITS"
        if payment.order is not None and self.orders[payment.order].closed:
            self._start_calling_off(index)
        return True

    def _is_begun(self, payment: Payment) -> bool:
        return payment.waited == "DONE" if payment.waited else rules.begins(payment.amount)

    def _act(self, ask: Act) -> str:
        payment = self.payments[ask.payment]
        payment.waited = "DONE" if ask.does else "REFUSED"
        self.under_way.append(("authorization" if payment.manual else "charge", ask.payment, 0))
        return ""

    def _start_calling_off(self, index: int) -> None:
        self.payments[index].giving_up = True
        self.under_way.append(("calling_off", index, 0))

    def _end_calling_off(self, index: int, _part: int) -> None:
        payment = self.payments[index]
        payment.state, payment.cancelled, payment.waited = "CANCELLED", payment.amount, "CALLED_OFF"

    def _give_back_late(self, index: int, amount: int) -> None:
        """Give back what came for a charge or capture that was over: the merchant's books know nothing of it."""
        payment = self.payments[index]
        self.outside[payment.currency, "CAPTURE"] += amount
        payment.refunds.append(Part(amount, note="CONTRADICTION"))
        self.under_way.append(("refund", index, len(payment.refunds) - 1))

    def _capture(self, ask: Capture) -> str:
        payment = self.payments[ask.payment]
        if payment.state not in {"AUTHORIZED", "SUCCEEDED"} or not payment.manual:
            return ILLEGAL
        amount = payment.capturable if ask.amount is None else ask.amount
        if not 0 < amount <= payment.capturable:
            return "CAPTURE_EXCEEDS_CAPTURABLE"
        payment.captures.append(Part(amount, final=ask.final))
        payment.giving_up = payment.giving_up or ask.final
        self.under_way.append(("capture", ask.payment, len(payment.captures) - 1))
        return ""

    def _end_capture(self, index: int, part: int) -> None:
        payment = self.payments[index]
        capture, asked = payment.captures[part], payment.captures[part].amount
        if not rules.brings_in(asked):
            capture.state = "FAILED"
            payment.giving_up = payment.giving_up and not capture.final
            return
        fees = self.fees[payment.currency]
        capture.amount = rules.approved(asked)
        capture.state, capture.returned = "SUCCEEDED", fees.returned
        capture.fee = rules.capture_fee(fees, capture.amount, captured=payment.captured, charged=payment.fee)
        payment.state = "SUCCEEDED"
        payment.captured += capture.amount
        payment.fee += capture.fee
        paid, fee = capture.amount, capture.fee
        self._book_item(payment.currency, settlement=paid - fee, income=paid, fees=fee)
        self.outside[payment.currency, "CAPTURE"] += capture.amount
        if payment.giving_up and payment.uncaptured:
            self._start_void(index)
        if payment.order is not None:
            self._tell_order(payment.order, index, capture.amount, final=capture.final)
        self._say_later(index, part, asked % rules.WHOLE)

    def _say_later(self, index: int, part: int, fate: int) -> None:
        """Have the channel or the payer say what they say of a capture afterwards."""
        amount = self.payments[index].captures[part].amount
        if fate in {rules.DISPUTED_WON, rules.DISPUTED_LOST}:
            self._start_dispute(index, amount, wins=fate == rules.DISPUTED_WON)
        if fate == rules.APPROVED_AGAIN:
            self._give_back_late(index, amount)
        if fate == rules.UNDONE:
            self._bounce(index, part)

    def _bounce(self, index: int, part: int) -> None:
        payment = self.payments[index]
        capture = payment.captures[part]
        amount, fee = capture.amount - capture.bounced, capture.fee - capture.given
        capture.bounced, capture.given = capture.bounced + amount, capture.given + fee
        payment.reversed += amount
        payment.fee_returned += fee
        self._book_item(payment.currency, settlement=fee - amount, income=-amount, fees=-fee)
        self.outside[payment.currency, "CAPTURE_REVERSED"] += amount
        if payment.order is not None:
            self.orders[payment.order].captured -= amount
            self.orders[payment.order].pay_back(amount, refunded=0)

    def _tell_order(self, number: int, payment: int, amount: int, *, final: bool) -> None:
        order = self.orders[number]
        order.captured += amount
        order.paid += amount
        if order.closed:
            self._start_refund(payment, amount, "ORDER_CANCELLED")
        elif order.paid >= order.total or final:
            order.state = "PAID"

    def _void(self, ask: Void) -> str:
        payment = self.payments[ask.payment]
        if payment.state == "REQUIRES_ACTION" and not payment.giving_up:
            self._start_calling_off(ask.payment)
            return ""
        if payment.state not in {"AUTHORIZED", "SUCCEEDED"}:
            return ILLEGAL
        if payment.capturing:
            return "CAPTURE_IN_PROGRESS"
        if not payment.uncaptured or payment.giving_up:
            return ILLEGAL
        self._start_void(ask.payment)
        return ""

    def _start_void(self, index: int) -> None:
        self.payments[index].giving_up = True
        self.under_way.append(("void", index, 0))

    def _end_void(self, index: int, _part: int) -> None:
        payment = self.payments[index]
        payment.cancelled += payment.uncaptured
        payment.state = "SUCCEEDED" if payment.captured else "CANCELLED"

    # Refunds and disputes.

    def _refund(self, ask: Refund) -> str:
        payment = self.payments[ask.payment]
        if payment.state != "SUCCEEDED":
            return ILLEGAL
        if ask.amount > payment.refundable:
            return "REFUND_EXCEEDS_REFUNDABLE"
        self._start_refund(ask.payment, ask.amount, "CUSTOMER_REQUEST")
        return ""

    def _start_refund(self, index: int, amount: int, reason: str) -> None:
        payment = self.payments[index]
        refund = Part(amount, note=reason)
        for number, capture in enumerate(payment.captures):
            if part := min(amount - sum(refund.shares.values()), capture.left):
                fee = capture.bear(part, unasked=reason == "ORDER_CANCELLED")
                refund.shares[number], refund.fees[number], refund.fee = part, fee, refund.fee + fee
        payment.refunds.append(refund)
        self.under_way.append(("refund", index, len(payment.refunds) - 1))

    def _end_refund(self, index: int, part: int) -> None:
        payment = self.payments[index]
        refund = payment.refunds[part]
        if refund.note == "CONTRADICTION":
            # Tried until it is done, it stands in no total.
            refund.state = "SUCCEEDED"
            self.outside[payment.currency, "REFUND"] += refund.amount
            return
        if not rules.ends_done(refund.amount):
            refund.state = "FAILED"
            payment.release(refund)
            return
        self._count_refund(index, refund, 1)
        refund.state = "SUCCEEDED"
        if refund.amount % rules.WHOLE == rules.UNDONE:
            self.returns += 1
            if self.late and self.late.pop(0):
                self.recover()
            refund.state = "RETURNED"
            payment.release(refund)
            self._count_refund(index, refund, -1)

    def _count_refund(self, index: int, refund: Part, sign: int) -> None:
        """Count a refund, or with a sign of -1 count it no more, as it came back."""
        payment = self.payments[index]
        amount, fee = sign * refund.amount, refund.fee if sign > 0 else -payment.charged_again(refund)
        payment.refunded += amount
        payment.fee_returned += fee
        self._book_item(payment.currency, settlement=fee - amount, income=-amount, fees=-fee)
        self.outside[payment.currency, "REFUND" if sign > 0 else "REFUND_RETURNED"] += refund.amount
        if payment.order is not None:
            self.orders[payment.order].pay_back(amount, refunded=amount)

    def _open_dispute(self, ask: OpenDispute) -> str:
        if ask.amount > self.payments[ask.payment].refundable:
            return "DISPUTE_EXCEEDS_CAPTURED"
        self._start_dispute(ask.payment, ask.amount, wins=ask.wins)
        return ""

    def _start_dispute(self, index: int, amount: int, *, wins: bool) -> None:
        payment = self.payments[index]
        payment.disputed += amount
        payment.disputes.append(Part(amount, state="OPENED", note="WON" if wins else "LOST"))
        self._book_item(payment.currency, settlement=-amount, disputed=amount)
        self.outside[payment.currency, "DISPUTE"] += amount

    def _answer_dispute(self, ask: AnswerDispute) -> str:
        dispute = self.payments[ask.payment].disputes[ask.dispute]
        if dispute.state != "OPENED":
            return ILLEGAL
        dispute.state = "CONTESTED"
        if not ask.contest:
            dispute.note = "LOST"
        self.under_way.append(("dispute", ask.payment, ask.dispute))
        return ""

    def _end_dispute(self, index: int, part: int) -> None:
        payment = self.payments[index]
        dispute = payment.disputes[part]
        dispute.state = dispute.note
        if dispute.state == "WON":
            payment.disputed -= dispute.amount
            self._book_item(payment.currency, settlement=dispute.amount, disputed=-dispute.amount)
            self.outside[payment.currency, "DISPUTE_REVERSED"] += dispute.amount
            if payment.order is not None and self.orders[payment.order].closed:
                self._start_refund(index, dispute.amount, "ORDER_CANCELLED")
        else:
            payment.lost += dispute.amount
            if payment.order is not None:
                self.orders[payment.order].paid -= dispute.amount
            self._book(payment.currency, disputed=-dispute.amount, income=-dispute.amount)


def together(world: World, order: Sequence[tuple[Ask, str]]) -> Iterator[World]:
    """Give the worlds in which requests were answered so in this order, with or without time between them."""
    for pauses in itertools.product((False, True), repeat=max(len(order) - 1, 0)):
        ahead = [copy.deepcopy(world)]
        for (ask, answer), pause in zip(order, (*pauses, True), strict=False):
            ahead = [
                copy.deepcopy(after) for each in ahead for reason, after in each.alternatives(ask) if reason == answer
            ]
            if pause:
                ahead = [after for each in ahead for after in each.ends()]
        yield from ahead
