"""Whom an event is told, by what the merchant wants."""

import dataclasses
from typing import Any

import pytest

from paykit.cause import Cause
from paykit.testing import goldens
from services.notification.domain.facts import Facts
from services.notification.domain.notification import Notification
from services.notification.domain.occurrences import TELLINGS, occurrence_of
from services.notification.domain.preferences import TopicPreference
from services.notification.domain.recipients import address_digest, group_of, notifications_of
from services.notification.domain.topics import RecipientKind
from tests.unit.notification.notifications import NOON

MERCHANT, PAYER, OPERATOR = RecipientKind.MERCHANT, RecipientKind.PAYER, RecipientKind.OPERATOR


def event(topic: str, record: str, **changes: Any) -> Any:
    newest: Any = goldens.event(goldens.goldens(topic, record)[-1])
    return dataclasses.replace(newest, **changes)


def told(of: Any, **wanted: Any) -> list[Notification]:
    occurrence = occurrence_of(of)
    assert occurrence is not None
    preference = TopicPreference(template=occurrence.template, **wanted)
    return notifications_of(of, occurrence, preference, cause=Cause("cor_1"), now=NOON, real_now=NOON)


def whom(notifications: list[Notification]) -> list[tuple[RecipientKind, int]]:
    return [(notification.recipient_kind, notification.recipient_no) for notification in notifications]


def test_a_payer_gets_receipts_and_the_merchant_those_that_it_asked_for() -> None:
    paid = event("payment.events", "PaymentSuccess")
    assert whom(told(paid)) == [(PAYER, 0)]
    assert whom(told(paid, addresses=("a@shop.example", "b@shop.example"))) == [
        (PAYER, 0),
        (MERCHANT, 0),
        (MERCHANT, 1),
    ]
    assert whom(told(paid, payer_muted=True)) == []
    assert told(paid)[0].contact_id == paid.payment_id
    assert Facts.from_json(told(paid)[0].facts).contact_ids == (paid.payment_id, paid.order_id)


def test_a_merchant_gets_the_rest_at_its_own_address_or_where_it_said_or_not_at_all() -> None:
    settled = event("settlement.events", "SettlementCompleted")
    (own,) = told(settled)
    assert (own.recipient_kind, own.recipient) == (MERCHANT, None)
    assert [each.recipient for each in told(settled, addresses=("A@Shop.example ",))] == [
        address_digest("a@shop.example")
    ]
    assert told(settled, muted=True) == []


def test_an_approval_that_is_needed_is_told_the_merchant_and_the_operators() -> None:
    asked = event("withdrawal.events", "WithdrawalCreated", approval_required=True)
    assert whom(told(asked)) == [(MERCHANT, 0), (OPERATOR, 0)]
    assert whom(told(asked, muted=True)) == [(OPERATOR, 0)]
    assert occurrence_of(dataclasses.replace(asked, approval_required=False)) is None


def test_the_first_difference_of_a_statement_is_told_and_a_statement_without_any_is_not() -> None:
    found = event("reconciliation.events", "DiscrepancyDetected", statement_id="stm_1", discrepancy_id="dis_1")
    other = dataclasses.replace(found, event_id="evt_other", discrepancy_id="dis_2")
    assert told(found)[0].notification_id == told(other)[0].notification_id
    elsewhere = dataclasses.replace(other, statement_id=None, channel="acquirer", value_date="2026-03-01")
    occurrence = occurrence_of(elsewhere)
    assert occurrence is not None
    assert group_of(elsewhere, occurrence) == "acquirer 2026-03-01"
    counts = {
        field.name: 0
        for field in dataclasses.fields(event("reconciliation.events", "StatementReconciled"))
        if field.name.endswith("_count") and field.name not in {"line_count", "matched_count"}
    }
    assert len(counts) == 7
    assert occurrence_of(event("reconciliation.events", "StatementReconciled", **counts)) is None


def test_ids_follow_from_the_event_the_template_and_the_recipient() -> None:
    settled = event("settlement.events", "SettlementCompleted")
    addresses = ("a@shop.example", "b@shop.example")
    ids = [each.notification_id for each in told(settled, addresses=addresses)]
    assert ids == [each.notification_id for each in told(settled, addresses=addresses)]
    assert len(set(ids)) == 2
    assert not set(ids) & {each.notification_id for each in told(dataclasses.replace(settled, event_id="evt_2"))[1:]}


def test_a_notification_has_no_address() -> None:
    settled = event("settlement.events", "SettlementCompleted")
    assert "@" not in repr(told(settled, addresses=("a@shop.example",)))


@pytest.mark.parametrize("telling", TELLINGS, ids=lambda telling: telling.RECORD)
def test_facts_are_read_as_they_were_written(telling: Any) -> None:
    for golden in goldens.goldens(telling.TOPIC, telling.RECORD):
        occurrence = occurrence_of(goldens.event(golden))
        if occurrence is not None:
            assert Facts.from_json(occurrence.facts.to_json()) == occurrence.facts
