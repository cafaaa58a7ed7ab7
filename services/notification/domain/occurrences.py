"""Which events people are told of, by which template, and what of them a mail tells."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias

from paykit.events.event import Event
from paystream.merchant.v1 import events as merchant_events
from paystream.notification.v1 import events as notification_events
from paystream.order.v1 import events as order_events
from paystream.payment.v1 import events as payment_events
from paystream.reconciliation.v1 import events as reconciliation_events
from paystream.settlement.v1 import events as settlement_events
from paystream.withdrawal.v1 import events as withdrawal_events
from services.notification.domain.facts import Facts

_OrderEvent: TypeAlias = order_events.OrderCreated | order_events.OrderPaid
_WithdrawalEvent: TypeAlias = (
    withdrawal_events.WithdrawalCreated
    | withdrawal_events.WithdrawalCompleted
    | withdrawal_events.WithdrawalPaidLate
    | withdrawal_events.WithdrawalFailed
    | withdrawal_events.WithdrawalBounced
    | withdrawal_events.WithdrawalReturned
)
_BankAccountEvent: TypeAlias = (
    withdrawal_events.BankAccountCreated | withdrawal_events.BankAccountVerified | withdrawal_events.BankAccountDisabled
)
_DisputeEvent: TypeAlias = (
    payment_events.DisputeInquiryOpened | payment_events.DisputeOpened | payment_events.DisputeDueSoon
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """What people are told of an event.

    Attributes:
        template: Name of the template.
        facts: What a mail tells.
        group: What events share of which only the first is told; None where each is.
    """

    template: str
    facts: Facts
    group: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """How people are told of events of one type.

    Attributes:
        template: Name of the template.
        facts: Reads what a mail tells; None of an event that nobody is told of.
        group: Reads what events share of which only the first is told; None where each is.
    """

    template: str
    facts: Callable[[Any], Facts | None]
    group: Callable[[Any], str | None] = lambda _event: None


def occurrence_of(event: Event) -> Occurrence | None:
    """Return what people are told of an event; None for nothing."""
    telling = TELLINGS.get(type(event))
    facts = telling.facts(event) if telling else None
    if telling is None or facts is None:
        return None
    return Occurrence(template=telling.template, facts=facts, group=telling.group(event))


def records_of(template: str) -> list[str]:
    """Return the records of events that a template is sent for, in the order of their names."""
    return sorted(event.RECORD for event, telling in TELLINGS.items() if telling.template == template)


def _merchant_created(event: merchant_events.MerchantCreated) -> Facts:
    merchant_id = event.merchant_id or ""
    return Facts(resource_id=merchant_id, occurred_at=event.occurred_at, merchant_name=event.display_name)


def _order(event: _OrderEvent, amount_minor: int) -> Facts:
    return Facts(
        resource_id=event.order_id,
        occurred_at=event.occurred_at,
        reference=event.merchant_reference,
        contact_ids=(event.order_id,),
        amount_minor=amount_minor,
        currency_code=event.currency_code,
    )


def _order_created(event: order_events.OrderCreated) -> Facts:
    return _order(event, event.total_minor)


def _order_paid(event: order_events.OrderPaid) -> Facts:
    return _order(event, event.paid_minor)


def _payment_success(event: payment_events.PaymentSuccess) -> Facts:
    return Facts(
        resource_id=event.payment_id,
        occurred_at=event.occurred_at,
        reference=event.merchant_reference,
        contact_ids=_contact_ids(event.payment_id, event.order_id),
        amount_minor=event.amount_minor,
        currency_code=event.currency_code,
        fee_minor=event.fee_minor,
    )


def _payment_failed(event: payment_events.PaymentFailed) -> Facts:
    return Facts(
        resource_id=event.payment_id,
        occurred_at=event.occurred_at,
        reference=event.merchant_reference,
        contact_ids=_contact_ids(event.payment_id, event.order_id),
        amount_minor=event.amount_minor,
        currency_code=event.currency_code,
        reason=event.reason,
    )


def _refund_success(event: payment_events.RefundSuccess) -> Facts:
    return Facts(
        resource_id=event.refund_id,
        occurred_at=event.occurred_at,
        reference=event.merchant_reference,
        contact_ids=_contact_ids(event.payment_id, event.order_id),
        amount_minor=event.amount_minor,
        currency_code=event.currency_code,
        reason=event.reason,
    )


def _dispute(event: _DisputeEvent) -> Facts:
    return Facts(
        resource_id=event.dispute_id,
        occurred_at=event.occurred_at,
        reference=event.merchant_reference,
        amount_minor=event.amount_minor,
        currency_code=event.currency_code,
        reason=event.reason,
        respond_by=event.respond_by,
    )


def _settlement_completed(event: settlement_events.SettlementCompleted) -> Facts:
    return Facts(
        resource_id=event.settlement_id,
        occurred_at=event.occurred_at,
        amount_minor=event.net_minor,
        currency_code=event.currency_code,
        total_minor=event.total_minor,
        reserve_minor=event.reserve_held_minor,
    )


def _withdrawal_created(event: withdrawal_events.WithdrawalCreated) -> Facts | None:
    if not event.approval_required:
        return None
    return _withdrawal(event)


def _withdrawal_failed(event: withdrawal_events.WithdrawalFailed) -> Facts:
    return _withdrawal(event, reason=event.reason, code=event.failure_code)


def _withdrawal_bounced(event: withdrawal_events.WithdrawalBounced) -> Facts:
    return _withdrawal(event, reason="BOUNCED", code=event.failure_code)


def _withdrawal_returned(event: withdrawal_events.WithdrawalReturned) -> Facts:
    return _withdrawal(event, reason="RETURNED", code=event.return_code)


def _withdrawal(event: _WithdrawalEvent, *, reason: str | None = None, code: str | None = None) -> Facts:
    return Facts(
        resource_id=event.withdrawal_id,
        occurred_at=event.occurred_at,
        amount_minor=event.amount_minor,
        currency_code=event.currency_code,
        reason=reason,
        code=code,
        last_four=event.bank_account_last_four,
    )


def _bank_account(event: _BankAccountEvent) -> Facts:
    return Facts(
        resource_id=event.bank_account_id,
        occurred_at=event.occurred_at,
        currency_code=event.currency_code,
        last_four=event.last_four,
        change=_BANK_ACCOUNT_CHANGES[type(event)],
    )


def _discrepancy_detected(event: reconciliation_events.DiscrepancyDetected) -> Facts:
    """Tell of the first difference of a statement or, where no line is, of a channel's day: the rest is in the list."""
    of_fees = event.kind is reconciliation_events.DiscrepancyKind.FEE_MISMATCH
    return Facts(
        resource_id=event.discrepancy_id,
        occurred_at=event.occurred_at,
        amount_minor=event.expected_fee_minor if of_fees else event.expected_minor,
        currency_code=event.currency_code,
        reason=event.kind,
        channel=event.channel or None,
        reported_minor=event.reported_fee_minor if of_fees else event.reported_minor,
        reported_currency_code=event.reported_currency_code,
        value_date=event.value_date,
    )


def _statement_or_day(event: reconciliation_events.DiscrepancyDetected) -> str:
    return event.statement_id or f"{event.channel} {event.value_date or event.occurred_at.date()}"


def _statement_reconciled(event: reconciliation_events.StatementReconciled) -> Facts | None:
    differences = (
        *(event.amount_mismatch_count, event.currency_mismatch_count, event.fee_mismatch_count),
        *(event.duplicate_count, event.missing_internal_count, event.missing_channel_count, event.contradicted_count),
    )
    if not sum(differences):
        return None
    return Facts(
        resource_id=event.statement_id,
        occurred_at=event.occurred_at,
        currency_code=event.currency_code,
        channel=event.channel,
        line_count=event.line_count,
        difference_count=sum(differences),
        value_date=event.statement_date,
    )


def _webhook_endpoint_stopped(event: notification_events.WebhookEndpointStopped) -> Facts:
    return Facts(
        resource_id=event.endpoint_id, occurred_at=event.occurred_at, reference=event.host, reason=event.reason
    )


def _contact_ids(payment_id: str, order_id: str | None) -> tuple[str, ...]:
    return (payment_id, order_id) if order_id else (payment_id,)


_BANK_ACCOUNT_CHANGES: Mapping[type[_BankAccountEvent], str] = MappingProxyType(
    {
        withdrawal_events.BankAccountCreated: "CREATED",
        withdrawal_events.BankAccountVerified: "VERIFIED",
        withdrawal_events.BankAccountDisabled: "DISABLED",
    }
)

TELLINGS: Mapping[type[Event], Telling] = MappingProxyType(
    {
        merchant_events.MerchantCreated: Telling(template="merchant_welcome", facts=_merchant_created),
        order_events.OrderCreated: Telling(template="order_created", facts=_order_created),
        order_events.OrderPaid: Telling(template="order_paid", facts=_order_paid),
        payment_events.PaymentSuccess: Telling(template="payment_success", facts=_payment_success),
        payment_events.PaymentFailed: Telling(template="payment_failed", facts=_payment_failed),
        payment_events.RefundSuccess: Telling(template="refund_success", facts=_refund_success),
        payment_events.DisputeInquiryOpened: Telling(template="dispute_opened", facts=_dispute),
        payment_events.DisputeOpened: Telling(template="dispute_opened", facts=_dispute),
        payment_events.DisputeDueSoon: Telling(template="dispute_due_soon", facts=_dispute),
        settlement_events.SettlementCompleted: Telling(template="settlement_completed", facts=_settlement_completed),
        withdrawal_events.WithdrawalCreated: Telling(template="withdrawal_approval_needed", facts=_withdrawal_created),
        withdrawal_events.WithdrawalCompleted: Telling(template="withdrawal_completed", facts=_withdrawal),
        withdrawal_events.WithdrawalPaidLate: Telling(template="withdrawal_completed", facts=_withdrawal),
        withdrawal_events.WithdrawalFailed: Telling(template="withdrawal_failed", facts=_withdrawal_failed),
        withdrawal_events.WithdrawalBounced: Telling(template="withdrawal_failed", facts=_withdrawal_bounced),
        withdrawal_events.WithdrawalReturned: Telling(template="withdrawal_failed", facts=_withdrawal_returned),
        notification_events.WebhookEndpointStopped: Telling(
            template="webhook_endpoint_stopped", facts=_webhook_endpoint_stopped
        ),
        withdrawal_events.BankAccountCreated: Telling(template="bank_account_changed", facts=_bank_account),
        withdrawal_events.BankAccountVerified: Telling(template="bank_account_changed", facts=_bank_account),
        withdrawal_events.BankAccountDisabled: Telling(template="bank_account_changed", facts=_bank_account),
        reconciliation_events.DiscrepancyDetected: Telling(
            template="reconciliation_alert", facts=_discrepancy_detected, group=_statement_or_day
        ),
        reconciliation_events.StatementReconciled: Telling(
            template="reconciliation_alert", facts=_statement_reconciled
        ),
    }
)
"""By event; of what is not here, nobody is mailed."""
