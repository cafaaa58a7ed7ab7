"""The rows of payments that a transaction has locked, and what is queued for their channels."""

from dataclasses import dataclass

from paykit.cause import Cause
from paykit.ids import new_id
from paykit.postgres.database import Tx
from paykit.work import Rows
from paystream.payment.v1 import events
from services.payment import domain, store
from services.payment.domain.attempt import AttemptAction, PaymentAttempt
from services.payment.domain.capture import Capture
from services.payment.domain.payment import Payment
from services.payment.domain.refund import Refund

SUBMISSION_JOBS = ("submit_attempts", "submit_attempts_2", "submit_attempts_3")
"""The jobs that send what is queued, one for each lane: a channel that answers slowly holds up one of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentWork:
    """Locked payments and what belongs to them, as each step leaves them for the next.

    Attributes:
        captures: They change only under the lock of their payment, as refunds do.
        attempts: Locked after their payments; new ones are queued.
    """

    tx: Tx
    payments: Rows[str, Payment]
    captures: Rows[str, Capture]
    refunds: Rows[str, Refund]
    attempts: Rows[str, PaymentAttempt]

    def add_capture(self, payment: Payment, capture: Capture, cause: Cause) -> None:
        """Take a new capture with what it did to its payment, and queue it."""
        self.payments.put(payment)
        self.captures.add(capture)
        self.add_attempt(
            payment,
            AttemptAction.CAPTURE,
            amount_minor=capture.amount_minor,
            traceparent=cause.traceparent,
            capture_id=capture.capture_id,
        )

    def add_refund(
        self, payment: Payment, refund: Refund, *, traceparent: str | None, original_reference: str | None = None
    ) -> None:
        """Take a new refund with what it did to its payment, and queue it.

        `original_reference` is what it gives back, where that is not the payment's own.
        """
        self.payments.put(payment)
        self.refunds.add(refund)
        self.add_attempt(
            payment,
            AttemptAction.REFUND,
            amount_minor=refund.amount_minor,
            traceparent=traceparent,
            refund_id=refund.refund_id,
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
        self.attempts.add(
            PaymentAttempt(
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

    def void_if_due(self, payment_id: str, *, traceparent: str | None) -> Payment:
        """Ask the channel to release what is left of a payment, if that is intended and nothing is under way."""
        payment = self.payments[payment_id]
        if not domain.authorization.void_minor(payment):
            return payment
        payment = self.payments.put(domain.authorization.start_void(payment, now=self.tx.now))
        self.add_attempt(payment, AttemptAction.CANCEL, amount_minor=payment.cancelling_minor, traceparent=traceparent)
        return payment

    def refund_now(
        self, payment_id: str, *, amount_minor: int, reason: events.RefundReason, of_capture: str | None, cause: Cause
    ) -> None:
        """Give back, unasked, what was captured and should not have been; emits RefundCreated."""
        payment, refund, event = domain.refund.create(
            self.payments[payment_id],
            refund_id=new_id("ref"),
            amount_minor=amount_minor,
            currency_code=self.payments[payment_id].currency_code,
            reason=reason,
            now=self.tx.now,
            of_capture=of_capture,
        )
        self.add_refund(payment, refund, traceparent=cause.traceparent)
        self.tx.emit(event, cause=cause)

    async def save(self) -> None:
        """Write every row that is new or changed."""
        await self.tx.save(self.payments, self.captures, self.refunds, self.attempts)


def begin(tx: Tx, payments: Rows[str, Payment], attempts: Rows[str, PaymentAttempt] | None = None) -> PaymentWork:
    """Begin work on locked payments, and on their locked attempts where those may change."""
    return PaymentWork(
        tx=tx,
        payments=payments,
        captures=store.captures.rows(tx),
        refunds=store.refunds.rows(tx),
        attempts=store.attempts.rows(tx) if attempts is None else attempts,
    )
