"""The rows of payments that a transaction has locked, and what is queued for their channels."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from paykit.cause import Cause
from paykit.contradictions import contradiction as contradiction_rules
from paykit.contradictions.contradiction import Contradiction, ContradictionState
from paykit.ids import new_id
from paykit.merchants.labels import Labels
from paykit.postgres.database import Tx
from paykit.work import Rows
from paystream.payment.v1 import events
from services.payment import domain, store
from services.payment.domain.attempt import AttemptAction, Failure, PaymentAttempt
from services.payment.domain.capture import Capture
from services.payment.domain.later.late_capture import LateCapture
from services.payment.domain.movement import MovementState
from services.payment.domain.payment import CaptureMode, Payment
from services.payment.domain.refund import AcceptedRefund, Refund
from services.payment.domain.refund_share import RefundShare, ShareChange

SUBMISSION_JOBS = ("submit_attempts", "submit_attempts_2", "submit_attempts_3")
"""The jobs that send what is queued, one for each lane: a channel that answers slowly holds up one of them."""


class LabelledItem(Protocol):
    """What is asked of a payment, with the merchant's labels."""

    @property
    def payment_id(self) -> str:
        """The payment."""
        ...

    @property
    def labels(self) -> Labels:
        """Of what is to be created."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentWork:
    """Locked payments and what belongs to them, as each step leaves them for the next.

    Attributes:
        captures: They change only under the lock of their payment, as refunds do. Of payments that are refunded all are
            here; of charges none are, as theirs stand in their payments.
        shares: Of refunds that several captures bear.
        attempts: Locked after their payments; new ones are queued.
        held_refunds: New ones, which take of the merchant's funds.
    """

    tx: Tx
    payments: Rows[str, Payment]
    captures: Rows[str, Capture]
    refunds: Rows[str, Refund]
    shares: Rows[tuple[str, str], RefundShare]
    attempts: Rows[str, PaymentAttempt]
    held_refunds: list[Refund] = field(default_factory=list)

    def add_capture(self, payment: Payment, capture: Capture, cause: Cause, *, expire_time: datetime) -> None:
        """Take a new capture with what it did to its payment, and queue it, to be sent until then."""
        self.payments.put(payment)
        self.captures.add(capture)
        self.add_attempt(
            payment,
            AttemptAction.CAPTURE,
            amount_minor=capture.amount_minor,
            traceparent=cause.traceparent,
            capture_id=capture.capture_id,
            expire_time=expire_time,
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

    def accept_refund(self, accepted: AcceptedRefund, cause: Cause) -> Refund:
        """Take a refund just made with what it takes of its payment's captures, and queue it; emits RefundCreated.

        One that waits for funds is not sent before `release_refund`.
        """
        self._put_known([*accepted.captures])
        if len(accepted.shares) > 1:
            for share in accepted.shares:
                self.shares.add(share)
        self.held_refunds.append(accepted.refund)
        if accepted.refund.state is MovementState.QUEUED:
            self.payments.put(accepted.payment)
            self.refunds.add(accepted.refund)
        else:
            self.add_refund(accepted.payment, accepted.refund, traceparent=cause.traceparent)
        self.tx.emit(accepted.event, cause=cause)
        return accepted.refund

    def release_refund(self, refund: Refund) -> None:
        """Have a refund sent that waited for funds."""
        released = self.refunds.put(domain.funds.release(refund, now=self.tx.now))
        self.add_attempt(
            self.payments[released.payment_id],
            AttemptAction.REFUND,
            amount_minor=released.amount_minor,
            traceparent=None,
            refund_id=released.refund_id,
        )

    def captures_of(self, payment: Payment) -> Sequence[Capture]:
        """Return a payment's captures, oldest first."""
        if payment.capture_mode is CaptureMode.AUTOMATIC:
            charged = domain.capture.of_charge(payment)
            return [charged] if charged else []
        own = [capture for capture in self.captures.values() if capture.payment_id == payment.payment_id]
        return sorted(own, key=lambda capture: capture.capture_id)

    def _put_known(self, captures: Collection[Capture]) -> None:
        """Take captures as they were changed; those of charges stand in their payments."""
        for capture in captures:
            if capture.capture_id in self.captures:
                self.captures.put(capture)

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
        expire_time: datetime | None = None,
    ) -> None:
        """Queue what follows a charge or an authorization, at its channel and by its reference there."""
        self.attempts.add(
            PaymentAttempt(
                attempt_id=new_id("att", of=payment.payment_id),
                payment_id=payment.payment_id,
                capture_id=capture_id,
                refund_id=refund_id,
                action=action,
                channel=payment.channel,
                amount_minor=amount_minor,
                currency_code=payment.currency_code,
                original_reference=original_reference or payment.channel_reference,
                expire_time=expire_time,
                traceparent=traceparent,
                create_time=payment.update_time,
                update_time=payment.update_time,
            )
        )
        queued = self.payments[payment.payment_id]
        self.payments.put(replace(queued, attempt_count=queued.attempt_count + 1))

    def fail_capture(self, capture: Capture, failure: Failure, cause: Cause) -> None:
        """Take a capture that ended without moving money, and what that frees; emits CaptureFailed."""
        payment, failed, event = domain.capture.fail(
            self.payments[capture.payment_id], capture, failure, now=self.tx.now
        )
        self.payments.put(payment)
        self.captures.put(failed)
        self.tx.emit(event, cause=cause)

    def void_if_due(self, payment_id: str, *, traceparent: str | None) -> Payment:
        """Ask the channel to release what is left of a payment, if that is intended and nothing is under way."""
        payment = self.payments[payment_id]
        if not domain.authorization.void_minor(payment):
            return payment
        payment = self.payments.put(domain.authorization.start_void(payment, now=self.tx.now))
        self.add_attempt(payment, AttemptAction.CANCEL, amount_minor=payment.cancelling_minor, traceparent=traceparent)
        return self.payments[payment_id]

    def refund_now(
        self, payment_id: str, *, amount_minor: int, reason: events.RefundReason, of_capture: str | None, cause: Cause
    ) -> None:
        """Give back, unasked, what was captured and should not have been, as far as it is left; emits RefundCreated.

        Of what was captured before, more may be gone than came: what that is short of is not left to be given back.
        """
        payment = self.payments[payment_id]
        left_minor = min(amount_minor, domain.payment.refundable_minor(payment))
        if left_minor <= 0:
            return
        accepted = domain.refund.create(
            payment,
            self.captures_of(payment),
            refund_id=new_id("ref", of=payment_id),
            amount_minor=left_minor,
            currency_code=payment.currency_code,
            reason=reason,
            now=self.tx.now,
            of_capture=of_capture,
            unasked=True,
        )
        self.accept_refund(accepted, cause)

    def shares_of(self, refund: Refund) -> Sequence[RefundShare]:
        """Return what captures bear of a refund."""
        own = [share for share in self.shares.values() if share.refund_id == refund.refund_id and share.amount_minor]
        return domain.refund.shares_of(refund, own)

    def change_captures(self, shares: Sequence[RefundShare], change: ShareChange) -> None:
        """Change the captures that bear shares of a refund."""
        bearing = [(self.captures.get(share.capture_id), share) for share in shares]
        self._put_known([change(capture, share) for capture, share in bearing if capture])

    def keep_shares(self, refund: Refund, shares: Sequence[RefundShare]) -> None:
        """Keep what each of several captures bears of a refund now."""
        bearing = {share.capture_id: share for share in shares}
        for share in [share for share in self.shares.values() if share.refund_id == refund.refund_id]:
            self.shares.put(bearing.get(share.capture_id) or replace(share, amount_minor=0, fee_returned_minor=0))

    async def save(self) -> None:
        """Write every row that is new or changed."""
        await self.tx.save(self.payments, self.captures, self.refunds, self.shares, self.attempts)
        await store.funds.hold_refunds(self.tx, self.held_refunds)
        self.held_refunds.clear()


@dataclass(frozen=True, slots=True, kw_only=True)
class ContradictionWork(PaymentWork):
    """Locked payments with what channels say against their record.

    Attributes:
        contradictions: Those that are not over, of payments that may have some here.
        late_captures: What came late for those payments.
    """

    contradictions: Rows[str, Contradiction]
    late_captures: Rows[str, LateCapture]

    async def save(self) -> None:
        """Write every row that is new or changed."""
        await PaymentWork.save(self)
        await self.tx.save(self.contradictions, self.late_captures)

    def book_refunded(
        self,
        payment_id: str,
        *,
        amount_minor: int,
        late_capture_id: str | None,
        attempt_id: str,
        channel_reference: str,
        cause: Cause,
    ) -> Refund:
        """Book what a channel gave back without being asked; emits RefundCreated and RefundSuccess.

        `attempt_id` is the call of which the channel tells it.
        """
        payment, refund, created = domain.refund.give_back(
            self.payments[payment_id],
            refund_id=new_id("ref", of=payment_id),
            amount_minor=amount_minor,
            late_capture_id=late_capture_id,
            now=self.tx.now,
        )
        payment, refund, success = domain.refund.succeed(
            payment,
            refund,
            [],
            attempt_id=attempt_id,
            channel_reference=channel_reference,
            amount_minor=amount_minor,
            now=self.tx.now,
        )
        self.payments.put(payment)
        self.tx.emit(created, cause=cause)
        self.tx.emit(success, cause=cause)
        return self.refunds.add(refund)

    def settle(self, contradiction_id: str, cause: Cause, *, part_minor: int | None = None) -> None:
        """End a contradiction by what followed, if it is not over; emits PaymentContradictionResolved.

        Where a part of what stands in suspense followed, the rest stays and nothing is over.
        """
        before = self.contradictions.get(contradiction_id)
        if before is None or before.state is ContradictionState.RESOLVED:
            return
        if part_minor is not None and part_minor < abs(before.suspense_minor):
            left_minor = before.suspense_minor + (part_minor if before.suspense_minor < 0 else -part_minor)
            self.contradictions.put(contradiction_rules.leave(before, left_minor, now=self.tx.now))
            return
        settled = contradiction_rules.settle(before, now=self.tx.now)
        payment, event = domain.contradiction.resolve(
            self.payments[before.aggregate_id], before, settled, now=self.tx.now
        )
        self.payments.put(payment)
        self.contradictions.put(settled)
        self.tx.emit(event, cause=replace(cause, actor=None))


def begin(
    tx: Tx,
    payments: Rows[str, Payment],
    *,
    attempts: Rows[str, PaymentAttempt] | None = None,
    captures: Rows[str, Capture] | None = None,
) -> PaymentWork:
    """Begin work on locked payments, on their locked attempts where those may change, on captures to be refunded."""
    return PaymentWork(
        tx=tx,
        payments=payments,
        captures=store.captures.rows(tx) if captures is None else captures,
        refunds=store.refunds.rows(tx),
        shares=store.refund_shares.rows(tx),
        attempts=store.attempts.rows(tx) if attempts is None else attempts,
    )


async def captures_to_refund(tx: Tx, payments: Iterable[Payment], *, also: Collection[str] = ()) -> Rows[str, Capture]:
    """Read all captures of locked payments that may be refunded, and some by their ids."""
    captured = [p.payment_id for p in payments if p.capture_mode is CaptureMode.MANUAL and p.captured_minor]
    return await store.captures.guarded_of(tx, captured, also=also)


def wanted_references(rows: PaymentWork, items: Iterable[LabelledItem]) -> list[tuple[str, str | None]]:
    """Return what items about payments want as references, each with the merchant of its payment."""
    return [
        (payment.merchant_id, item.labels.merchant_reference)
        for item in items
        if (payment := rows.payments.get(item.payment_id))
    ]
