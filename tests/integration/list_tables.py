"""Lists that walk one table each: rows to fill it with, what each filter may be, and the indexes that are to serve it.

Lists of payments, refunds, disputes, orders, settlements and withdrawals have tests of their own, with rows that their
services made.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from paykit.channels.unmatched_evidence import UnmatchedEvidenceFilter, UnmatchedEvidenceTable
from paykit.contradictions.contradiction import ContradictionKind, ContradictionState
from paykit.contradictions.contradiction_table import ContradictionFilter, ContradictionTable
from paykit.postgres.lists.walk import ListFilter, Walk
from paykit.process.service import Service
from paykit.testing.runtimes import START
from paystream.merchant.v1.events import MerchantStatus
from paystream.reconciliation.v1.events import DiscrepancyKind
from services.accounting.domain.proposal import JournalProposalState
from services.accounting.service import SERVICE as ACCOUNTING
from services.accounting.store.two_people.proposal import JournalProposalFilter, journal_proposal_walk
from services.merchant.service import SERVICE as MERCHANT
from services.merchant.store.merchant import MerchantFilter, merchant_walk
from services.notification.domain.notification import NotificationState
from services.notification.domain.topics import RecipientKind
from services.notification.domain.webhooks.delivery import WebhookDeliveryState
from services.notification.domain.webhooks.endpoint import WebhookEndpointState
from services.notification.service import SERVICE as NOTIFICATION
from services.notification.store.notification import NotificationFilter, notification_walk
from services.notification.store.webhooks.delivery import WebhookDeliveryFilter, delivery_walk
from services.notification.store.webhooks.endpoint import WebhookEndpointFilter, endpoint_walk, living_walk
from services.payment.service import SERVICE as PAYMENT
from services.reconciliation.domain.correction import CorrectionState
from services.reconciliation.domain.discrepancy import DiscrepancyState
from services.reconciliation.domain.rule_set import RuleSetState
from services.reconciliation.domain.statement import StatementState
from services.reconciliation.service import SERVICE as RECONCILIATION
from services.reconciliation.store.correction import CorrectionFilter, correction_walk
from services.reconciliation.store.discrepancy import DiscrepancyFilter, discrepancy_walk
from services.reconciliation.store.rule_set import RuleSetFilter, rule_set_walk
from services.reconciliation.store.statement import StatementFilter, statement_walk
from services.withdrawal.domain.bank_account import BankAccountState
from services.withdrawal.service import SERVICE as WITHDRAWAL
from services.withdrawal.store.bank_account import BankAccountFilter, bank_account_walk

ONE_OF_MANY = "'mer_' || lpad((n % 100)::text, 32, '0')"
LATER = "'2030-01-01'::timestamptz + n * interval '1 s'"
MADE = {"create_time": LATER, "update_time": LATER}
"""Another moment for each row; they are in the order of their ids."""

CREATED = {"create_time_min": START, "create_time_before": START + timedelta(days=9)}
TIMES = CREATED | {"update_time_min": START, "update_time_before": START + timedelta(days=9)}
AMOUNTS = {"amount_minor_min": 1, "amount_minor_max": 99}
USD = {"currency_code": "USD"}
MERCHANT_ID = "mer_" + "0" * 31 + "1"


def _id(prefix: str, of: str = "n") -> str:
    return f"'{prefix}_' || lpad(to_hex({of}), 32, '0')"


def _text(value: str) -> str:
    return f"'{value}'"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListTable:
    """A list and the table that it walks.

    Attributes:
        rows: SQL by column, as `fill` takes it.
        base: Selects all.
        indexes: As `assert_served` takes them, and so the next two.
    """

    service: Service
    rows: Mapping[str, str]
    walk: Walk[Any]
    base: ListFilter
    indexes: Mapping[tuple[str, ...], str]
    values: Mapping[str, Any]
    without: frozenset[str] = frozenset()


def _contradictions(service: Service, aggregate: str) -> ListTable:
    return ListTable(
        service=service,
        rows={
            "contradiction_id": _id("ctr"),
            "aggregate_id": _id(aggregate),
            "subject_id": _id(aggregate),
            "merchant_id": ONE_OF_MANY,
            "kind": _text("LATE_SUCCESS"),
            "amount_minor": "n",
            "currency_code": _text("USD"),
            "suspense_minor": "0",
            "recorded": _text("FAILED"),
            "reported": _text("SUCCEEDED"),
            "channel_reference": "'ch ' || n",
            "needs_decision": "n % 2 = 0",
            "state": "CASE n % 2 WHEN 0 THEN 'OPEN' ELSE 'AUTOMATIC' END",
        }
        | MADE,
        walk=ContradictionTable().walk,
        base=ContradictionFilter(
            state=None,
            kind=None,
            merchant_id=None,
            currency_code=None,
            amount_minor_min=None,
            create_time_min=None,
            create_time_before=None,
        ),
        indexes={("merchant_id",): "contradiction_merchant", (): "contradiction_list"},
        values=AMOUNTS
        | TIMES
        | USD
        | {
            "state": ContradictionState.OPEN,
            "kind": ContradictionKind.LATE_SUCCESS,
            "merchant_id": MERCHANT_ID,
            "aggregate_id": f"{aggregate}_1",
            "channel_reference": "ch 1",
        },
    )


def _unmatched(service: Service) -> ListTable:
    return ListTable(
        service=service,
        rows={
            "evidence_id": _id("evd"),
            "attempt_id": _id("att"),
            "outcome": _text("SUCCEEDED"),
            "channel_reference": "'ch ' || n",
            "failure_code": _text(""),
            "amount_minor": "n",
            "currency_code": _text("USD"),
            "refusal": _text("ATTEMPT_NOT_FOUND"),
            "create_time": LATER,
        },
        walk=UnmatchedEvidenceTable().walk,
        base=UnmatchedEvidenceFilter(),
        indexes={(): "unmatched_evidence_list"},
        values=AMOUNTS | CREATED | USD | {"attempt_id": "att_1", "channel_reference": "ch 1"},
    )


_ENDPOINTS = ListTable(
    service=NOTIFICATION,
    rows={
        "endpoint_id": _id("whe"),
        "merchant_id": ONE_OF_MANY,
        "url": _text("https://shop.example"),
        "event_filters": _text(""),
        "description": _text(""),
        "state": "CASE n % 9 WHEN 0 THEN 'DELETED' ELSE 'ENABLED' END",
        "revision": "1",
        "failure_count": "0",
    }
    | MADE,
    walk=endpoint_walk,
    base=WebhookEndpointFilter(merchant_id="", state=None, create_time_min=None, create_time_before=None),
    indexes={("merchant_id",): "webhook_endpoint_merchant"},
    values=TIMES | {"merchant_id": MERCHANT_ID, "state": WebhookEndpointState.ENABLED},
)

LIST_TABLES: Mapping[str, ListTable] = {
    "payment.v1.PaymentOperationsService/ListContradictions": _contradictions(PAYMENT, "pay"),
    "payment.v1.PaymentOperationsService/ListUnmatchedEvidence": _unmatched(PAYMENT),
    "withdrawal.v1.WithdrawalOperationsService/ListContradictions": _contradictions(WITHDRAWAL, "wdr"),
    "withdrawal.v1.WithdrawalOperationsService/ListUnmatchedEvidence": _unmatched(WITHDRAWAL),
    "withdrawal.v1.WithdrawalService/ListBankAccounts": ListTable(
        service=WITHDRAWAL,
        rows={
            "bank_account_id": _id("bnk"),
            "merchant_id": ONE_OF_MANY,
            "currency_code": _text("USD"),
            "token": "'token ' || n",
            "last_four": _text("1234"),
            "state": _text("VERIFIED"),
        }
        | MADE,
        walk=bank_account_walk,
        base=BankAccountFilter(merchant_id="", state=None),
        indexes={("merchant_id",): "bank_account_list"},
        values=TIMES | USD | {"merchant_id": MERCHANT_ID, "state": BankAccountState.VERIFIED},
    ),
    "reconciliation.v1.ReconciliationOperationsService/ListDiscrepancies": ListTable(
        service=RECONCILIATION,
        rows={
            "discrepancy_id": _id("dis"),
            "kind": "CASE n % 3 WHEN 0 THEN 'MISSING_INTERNAL' ELSE 'AMOUNT_MISMATCH' END",
            "state": "CASE n % 3 WHEN 0 THEN 'OPEN' ELSE 'RESOLVED' END",
            "resolution": "CASE n % 3 WHEN 0 THEN NULL ELSE 'EXPLAINED' END",
            "channel": "'channel ' || n % 3",
            "statement_id": _id("stm", "n / 100"),
            "merchant_id": ONE_OF_MANY,
            "currency_code": _text("USD"),
            "carried_out": "true",
            "correlation_id": _text("c"),
            "aggregate_version": "1",
        }
        | MADE,
        walk=discrepancy_walk,
        base=DiscrepancyFilter(),
        indexes={
            ("statement_id",): "discrepancy_statement",
            ("state",): "discrepancy_state",
            ("kind",): "discrepancy_kind",
            ("channel",): "discrepancy_channel",
            (): "discrepancy_time",
        },
        values=TIMES
        | USD
        | {
            "kind": DiscrepancyKind.MISSING_INTERNAL,
            "state": DiscrepancyState.OPEN,
            "channel": "channel 1",
            "statement_id": "stm_1",
            "merchant_id": MERCHANT_ID,
            "attempt_id": "att_1",
            "related_no": "cap_1",
            "root_reference": "pay_1",
            "channel_reference": "ch 1",
        },
    ),
    "reconciliation.v1.ReconciliationOperationsService/ListCorrections": ListTable(
        service=RECONCILIATION,
        rows={
            "correction_id": _id("crp"),
            "discrepancy_id": _id("dis", "n / 3"),
            "state": _text("REJECTED"),
            "currency_code": _text("USD"),
            "reason": _text("why"),
            "proposer": _text("alice"),
            "decider": _text("bob"),
        }
        | MADE,
        walk=correction_walk,
        base=CorrectionFilter(),
        indexes={("discrepancy_id",): "correction_of", ("state",): "correction_state", (): "correction_time"},
        values=AMOUNTS
        | TIMES
        | USD
        | {"state": CorrectionState.REJECTED, "discrepancy_id": "dis_1", "proposer": "alice"},
    ),
    "reconciliation.v1.ReconciliationOperationsService/ListStatements": ListTable(
        service=RECONCILIATION,
        rows={
            "statement_id": _id("stm"),
            "channel": "'channel ' || n % 3",
            "source": _text("CHANNEL"),
            "currency_code": _text("USD"),
            "statement_date": "'2030-01-01'::date + n",
            "state": _text("OPEN"),
            "correlation_id": _text("c"),
            "aggregate_version": "1",
        }
        | MADE,
        walk=statement_walk,
        base=StatementFilter(),
        indexes={("channel",): "statement_channel", (): "statement_list"},
        values=TIMES
        | USD
        | {
            "channel": "channel 1",
            "file_id": "stf_1",
            "statement_date": date(2030, 1, 9),
            "state": StatementState.OPEN,
        },
    ),
    "reconciliation.v1.ReconciliationOperationsService/ListRuleSets": ListTable(
        service=RECONCILIATION,
        rows={
            "rule_set_id": _id("rls"),
            "channel": "'channel ' || n % 3",
            "version": "n",
            "state": _text("DRAFT"),
            "content": _text(""),
            "proposer": _text("alice"),
            "reason": _text("why"),
        }
        | MADE,
        walk=rule_set_walk,
        base=RuleSetFilter(),
        indexes={(): "rule_set_list"},
        values=CREATED | {"channel": "channel 1", "state": RuleSetState.DRAFT},
    ),
    "notification.v1.NotificationOperationsService/ListNotifications": ListTable(
        service=NOTIFICATION,
        rows={
            "notification_id": _id("ntf"),
            "group_key": "'group ' || n",
            "event_id": _id("evt"),
            "record": _text("r"),
            "template": _text("refund_succeeded"),
            "recipient_kind": _text("MERCHANT"),
            "recipient_no": "0",
            "merchant_id": ONE_OF_MANY,
            "resource_id": _id("pay", "n / 3"),
            "correlation_id": "'c ' || n / 3",
            "facts": _text("{}"),
            "state": "CASE n % 3 WHEN 0 THEN 'FAILED' ELSE 'SUPPRESSED' END",
            "try_count": "0",
            "try_total": "0",
            "doubt_count": "0",
            "resend_count": "0",
            "message_no": "0",
            "aggregate_version": "1",
        }
        | MADE,
        walk=notification_walk,
        base=NotificationFilter(
            merchant_id=None,
            resource_id=None,
            correlation_id=None,
            template=None,
            state=None,
            recipient_kind=None,
            create_time_min=None,
            create_time_before=None,
        ),
        indexes={
            ("resource_id",): "notification_resource",
            ("correlation_id",): "notification_correlation",
            ("merchant_id",): "notification_merchant",
            ("state",): "notification_state",
        },
        values=TIMES
        | {
            "merchant_id": MERCHANT_ID,
            "resource_id": "pay_1",
            "correlation_id": "c 1",
            "template": "refund_succeeded",
            "state": NotificationState.FAILED,
            "recipient_kind": RecipientKind.MERCHANT,
        },
    ),
    "notification.v1.WebhookService/ListWebhookEndpoints": _ENDPOINTS,
    "notification.v1.WebhookService/ListWebhookEndpoints that are not deleted": ListTable(
        service=NOTIFICATION,
        rows=_ENDPOINTS.rows,
        walk=living_walk,
        base=_ENDPOINTS.base,
        indexes=_ENDPOINTS.indexes,
        values={name: value for name, value in _ENDPOINTS.values.items() if name != "state"},
        without=frozenset({"state"}),
    ),
    "notification.v1.WebhookService/ListWebhookDeliveries": ListTable(
        service=NOTIFICATION,
        rows={
            "delivery_id": _id("whd"),
            "endpoint_id": _id("whe", "n % 3"),
            "merchant_id": ONE_OF_MANY,
            "event_id": _id("evt", "n % 1000"),
            "event_type": _text("payment.succeeded"),
            "resource_key": _text("pay_1"),
            "resource_version": "n",
            "state": _text("SUCCEEDED"),
            "attempt_count": "1",
            "attempt_total": "1",
            "replay_count": "0",
            "due_time": LATER,
        }
        | MADE,
        walk=delivery_walk,
        base=WebhookDeliveryFilter(
            merchant_id=None, endpoint_id=None, event_id=None, state=None, create_time_min=None, create_time_before=None
        ),
        indexes={
            ("endpoint_id", "event_id"): "webhook_delivery_once",
            ("endpoint_id",): "webhook_delivery_endpoint",
            ("merchant_id",): "webhook_delivery_merchant",
        },
        values=TIMES
        | {
            "merchant_id": MERCHANT_ID,
            "endpoint_id": "whe_1",
            "event_id": "evt_1",
            "state": WebhookDeliveryState.SUCCEEDED,
        },
    ),
    "merchant.v1.MerchantOperationsService/ListMerchants": ListTable(
        service=MERCHANT,
        rows={
            "merchant_id": _id("mer"),
            "display_name": _text("Shop"),
            "status": "CASE n % 3 WHEN 0 THEN 'CREATED' ELSE 'ACTIVE' END",
            "contact_email": "'shop' || n || '@example.com'",
            "fee_plan_version": "1",
            "schedule": _text("MANUAL"),
            "time_zone": _text("UTC"),
            "delay_days": "0",
            "thresholds": _text("{}"),
            "reserve_basis_points": "0",
            "reserve_days": "0",
            "version": "1",
        }
        | MADE,
        walk=merchant_walk,
        base=MerchantFilter(),
        indexes={("status",): "merchant_state", (): "merchant_list"},
        values=TIMES | {"status": MerchantStatus.CREATED, "country_code": "DE", "contact_email": "shop1@example.com"},
    ),
    "accounting.v1.AccountingOperationsService/ListJournalProposals": ListTable(
        service=ACCOUNTING,
        rows={
            "proposal_id": _id("jrp"),
            "state": _text("PROPOSED"),
            "transaction_type": _text("Goodwill"),
            "related_no": "'g ' || n",
            "currency_code": _text("USD"),
            "amount_minor": "n",
            "legs": _text("[]"),
            "reason": _text("why"),
            "proposer": _text("alice"),
            "correlation_id": _text("c"),
        }
        | MADE,
        walk=journal_proposal_walk,
        base=JournalProposalFilter(),
        indexes={(): "journal_proposal_time"},
        values=TIMES
        | USD
        | {"state": JournalProposalState.PROPOSED, "proposer": "alice", "transaction_type": "Goodwill"},
    ),
}
