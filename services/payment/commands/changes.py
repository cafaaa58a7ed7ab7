"""The rows that a transaction has locked, as each step leaves them for the next, and what of them it writes.

Steps on one payment are folded here, in memory; each row is written once, whatever happened to it.
"""

from dataclasses import dataclass, field
from typing import TypeVar

from paykit.cause import Cause
from paykit.channels.attempt_table import insert_evidence
from paykit.channels.attempts import Evidence, Verdict
from paykit.ids import new_id
from paykit.postgres.database import Tx
from paystream.payment.v1 import events
from services.payment.domain import authorization, refund
from services.payment.domain.attempt import Attempt, AttemptAction
from services.payment.domain.capture import Capture
from services.payment.domain.payment import Payment
from services.payment.domain.refund import Refund
from services.payment.store import captures as capture_store
from services.payment.store import payments as store
from services.payment.store import refunds as refund_store
from services.payment.store.attempts import ATTEMPTS

T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class Changes:
    """What a transaction knows and changes. Payments, and the attempts among them, are locked.

    Attributes:
        payments: By id, as are captures, refunds and attempts.
        told: Evidence to keep beside its attempt.
    """

    payments: dict[str, Payment]
    captures: dict[str, Capture] = field(default_factory=dict)
    refunds: dict[str, Refund] = field(default_factory=dict)
    attempts: dict[str, Attempt] = field(default_factory=dict)
    told: list[tuple[Evidence, Verdict]] = field(default_factory=list)
    _changed_payments: set[str] = field(default_factory=set)
    _changed_captures: set[str] = field(default_factory=set)
    _changed_refunds: set[str] = field(default_factory=set)
    _changed_attempts: set[str] = field(default_factory=set)
    _new_captures: set[str] = field(default_factory=set)
    _new_refunds: set[str] = field(default_factory=set)
    _new_attempts: list[Attempt] = field(default_factory=list)

    def put_payment(self, payment: Payment) -> None:
        """Take a payment as a step left it."""
        self.payments[payment.payment_id] = payment
        self._changed_payments.add(payment.payment_id)

    def put_capture(self, made: Capture) -> None:
        """Take a capture as a step left it."""
        self.captures[made.capture_id] = made
        self._changed_captures.add(made.capture_id)

    def put_refund(self, made: Refund) -> None:
        """Take a refund as a step left it."""
        self.refunds[made.refund_id] = made
        self._changed_refunds.add(made.refund_id)

    def put_attempt(self, attempt: Attempt) -> None:
        """Take an attempt as a step left it."""
        self.attempts[attempt.attempt_id] = attempt
        self._changed_attempts.add(attempt.attempt_id)

    def add_capture(self, payment: Payment, made: Capture, cause: Cause) -> None:
        """Take a new capture with what it did to its payment, and queue it."""
        self.put_payment(payment)
        self.captures[made.capture_id] = made
        self._new_captures.add(made.capture_id)
        self.add_attempt(
            payment,
            AttemptAction.CAPTURE,
            amount_minor=made.amount_minor,
            traceparent=cause.traceparent,
            capture_id=made.capture_id,
        )

    def add_refund(
        self, payment: Payment, made: Refund, *, traceparent: str | None, original_reference: str | None = None
    ) -> None:
        """Take a new refund with what it did to its payment, and queue it.

        `original_reference` is what it gives back, where that is not the payment's own.
        """
        self.put_payment(payment)
        self.refunds[made.refund_id] = made
        self._new_refunds.add(made.refund_id)
        self.add_attempt(
            payment,
            AttemptAction.REFUND,
            amount_minor=made.amount_minor,
            traceparent=traceparent,
            refund_id=made.refund_id,
            original_reference=original_reference,
        )

    def add_attempt(
        self,
        payment: Payment,
        action: AttemptAction,
        *,
        amount_minor: int,
        traceparent: str | None,
        capture_id: str | None = None,
        refund_id: str | None = None,
        original_reference: str | None = None,
    ) -> None:
        """Queue what follows a charge or an authorization, at its channel and by its reference there."""
        self._new_attempts.append(
            Attempt(
                attempt_id=new_id("att"),
                payment_id=payment.payment_id,
                capture_id=capture_id,
                refund_id=refund_id,
                action=action,
                channel=payment.channel,
                amount_minor=amount_minor,
                currency_code=payment.currency_code,
                original_reference=original_reference or payment.channel_reference,
                traceparent=traceparent,
                create_time=payment.update_time,
                update_time=payment.update_time,
            )
        )

    def void_if_due(self, tx: Tx, payment_id: str, *, traceparent: str | None) -> None:
        """Ask the channel to release what is left of a payment, if that is intended and nothing is under way."""
        payment = self.payments[payment_id]
        if not authorization.void_minor(payment):
            return
        payment = authorization.start_void(payment, now=tx.now)
        self.put_payment(payment)
        self.add_attempt(payment, AttemptAction.CANCEL, amount_minor=payment.cancelling_minor, traceparent=traceparent)

    def refund_now(
        self,
        tx: Tx,
        payment_id: str,
        *,
        amount_minor: int,
        reason: events.RefundReason,
        of_capture: str | None,
        cause: Cause,
    ) -> None:
        """Give back, unasked, what was captured and should not have been; emits RefundCreated."""
        before = self.payments[payment_id]
        payment, made, event = refund.create(
            before,
            refund_id=new_id("ref"),
            amount_minor=amount_minor,
            currency_code=before.currency_code,
            reason=reason,
            now=tx.now,
            of_capture=of_capture,
        )
        self.add_refund(payment, made, traceparent=cause.traceparent)
        tx.emit(event, cause=cause)

    async def save(self, tx: Tx) -> None:
        """Write every row that changed, and queue what is to be sent."""
        await store.update_payments(tx, _rows(self.payments, self._changed_payments))
        await capture_store.insert_captures(tx, _rows(self.captures, self._new_captures))
        await capture_store.update_captures(tx, _rows(self.captures, self._changed_captures - self._new_captures))
        await refund_store.insert_refunds(tx, _rows(self.refunds, self._new_refunds))
        await refund_store.update_refunds(tx, _rows(self.refunds, self._changed_refunds - self._new_refunds))
        await ATTEMPTS.update(tx, _rows(self.attempts, self._changed_attempts))
        await ATTEMPTS.insert(tx, self._new_attempts)
        await insert_evidence(tx, self.told)


def _rows(known: dict[str, T], ids: set[str]) -> list[T]:
    return [known[each] for each in sorted(ids)]
