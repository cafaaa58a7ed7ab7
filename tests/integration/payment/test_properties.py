"""For any items: a batch equals its items one at a time, in rows, in events and in what callers get."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paykit.cause import Cause
from paykit.channels.actions.next_action import NextAction, NextActionKind
from paykit.channels.attempts import Evidence, EvidenceOutcome, RecordEvidence, Source
from paykit.consume.delivery import Delivered, Impossible, Record
from paykit.contacts.contact import ReceiptContact
from paykit.contacts.erasing import EraseContact
from paykit.errors import DomainError
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from paykit.testing import batches
from paykit.testing.batches import Step
from paystream.merchant.v1.events import MerchantStatus
from paystream.payment.v1 import events
from services.payment import commands, handlers
from services.payment.commands.payment import CreatePayment
from services.payment.commands.refund import CreateRefund
from services.payment.domain.payment import CaptureMode
from tests.integration.payment.conftest import House, merchant_event
from tests.integration.payment.statement_evidence import accepted

ON_ONE_HOUSE = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

ALICE, BOB, CAROL = ("mer_" + digit * 32 for digit in "abc")
CAUSE = Cause("cor_property", None, "shop", None)

# Few numbers and few values, so that repetitions, refusals and shared payments are common.
NUMBERS = st.integers(0, 3)
OUTCOMES = [outcome for outcome in EvidenceOutcome if outcome != "RETURNED"]  # Only payouts come back.
IDS = (
    *("payment_id", "refund_id", "dispute_id", "attempt_id", "capture_id", "event_id", "causation_id"),
    *("contradiction_id", "aggregate_id", "subject_id", "late_capture_id", "evidence_id", "overturn_id"),
    *("file_id", "allotted_capture_id"),
)
CONTACTS = {
    2: ReceiptContact(receipt_email="payer@example.com", locale="de"),
    3: ReceiptContact(receipt_email=None, locale="fr"),
    4: ReceiptContact(receipt_email="nobody", locale=None),
}


def payment_asked(number: int, merchant_id: str, amount_minor: int, currency_code: str) -> CreatePayment:
    return CreatePayment(
        merchant_id=merchant_id,
        merchant_reference=f"order-{number}",
        order_id=None,
        amount_minor=amount_minor,
        currency_code=currency_code,
        method=events.PaymentMethod.CARD,
        method_token="tok",
        metadata="{}",
        capture_mode=CaptureMode.AUTOMATIC,
        channel="simulator",
        contact=CONTACTS.get(number),
        cause=CAUSE,
    )


async def prepared(tx: Tx) -> None:
    """Two active merchants and a suspended one; order-0 is captured, order-1 and order-2 are sent, order-3 waits."""
    for merchant_id, status in ((ALICE, "ACTIVE"), (BOB, "ACTIVE"), (CAROL, "SUSPENDED")):
        await change_merchants(tx, [(merchant_id, 2, MerchantStatus(status), 290)])
    await commands.payment.create_payments(tx, [payment_asked(number, ALICE, 1_000, "USD") for number in range(4)])
    started = "UPDATE attempt SET state = 'STARTED', start_time = now() FROM payment"
    await tx.run(f"{started} WHERE payment.payment_id = attempt.payment_id AND merchant_reference <> 'order-3'")
    await record(tx, [(0, "SUCCEEDED", "RESPONSE", "ch_0", None)])


async def erase(tx: Tx, numbers: Sequence[int]) -> Sequence[Any]:
    ids = await known_ids(tx, "payment_id")
    items = [EraseContact(subject_id=ids.get(n, "pay_none"), reason=f"asked {n}", eraser="shop") for n in numbers]
    return await commands.payment.erase_contacts(tx, items)


async def create_refunds(tx: Tx, drafts: Sequence[Any]) -> Sequence[Any]:
    ids = await known_ids(tx, "payment_id")
    reason = events.RefundReason.OTHER
    return await commands.refund.create_refunds(
        tx,
        [
            CreateRefund(payment_id=ids[n], amount_minor=amount, currency_code=currency, reason=reason, cause=CAUSE)
            for n, amount, currency in drafts
        ],
    )


async def record(tx: Tx, drafts: Sequence[Any]) -> Sequence[Any]:
    tx.restart_lock_order()
    ids = await known_ids(tx, "attempt_id")
    items = [
        Evidence(
            attempt_id=ids.get(number, "att_none"),
            source=Source(source),
            outcome=EvidenceOutcome(outcome),
            channel_reference=reference,
            final=outcome == "NOT_FOUND" and source == "CALLBACK",
            amount_minor=amount_minor,
            currency_code=None if amount_minor is None else "USD",
            action=action_of(reference) if outcome == "ACTION_REQUIRED" else None,
        )
        for number, outcome, source, reference, amount_minor in drafts
    ]
    return await commands.evidence.record_evidence(tx, [RecordEvidence(evidence=each, cause=CAUSE) for each in items])


def action_of(reference: str | None) -> NextAction | None:
    """What a channel says that the payer has to do; without a reference it does not repeat it."""
    return NextAction(kind=NextActionKind.DISPLAY_QR_CODE, code=reference) if reference else None


async def take_lines(tx: Tx, drafts: Sequence[Any]) -> Sequence[Any]:
    tx.restart_lock_order()
    ids = await known_ids(tx, "attempt_id")
    lines = [
        accepted(ids.get(number, "att_none"), operation, outcome, channel_reference=reference, amount_minor=amount)
        for number, operation, outcome, reference, amount in drafts
    ]
    deliveries = [Delivered(line, Record(line.TOPIC, 0, 0, line.attempt_id, b"", ())) for line in lines]
    results = await handlers.on_statement_evidence(tx, deliveries)
    return [result.error if isinstance(result, Impossible) else result for result in results]


async def change_merchants(tx: Tx, drafts: Sequence[Any]) -> Sequence[Any]:
    deliveries = []
    for merchant_id, version, status, basis_points in drafts:
        event = merchant_event(
            merchant_id=merchant_id,
            aggregate_version=version,
            status=status,
            fees=[("USD", basis_points, 0)],
        )
        deliveries.append(Delivered(event, Record("merchant.events", 0, version, merchant_id, b"", ())))
    return await handlers.on_merchant_changed(tx, deliveries)


async def known_ids(tx: Tx, column: str) -> dict[int, str]:
    """The payments, or their charges, by number."""
    sql = f"SELECT merchant_reference, {column} FROM payment JOIN attempt USING (payment_id) WHERE refund_id IS NULL"
    return {int(row[0].removeprefix("order-")): row[1] for row in await tx.fetch(sql)}


merchant_drafts = st.tuples(
    st.sampled_from([ALICE, BOB]), st.integers(1, 4), st.sampled_from(list(MerchantStatus)), st.integers(0, 9)
)
STEPS: dict[str, tuple[Step, st.SearchStrategy[Any]]] = {
    "create_payments": (
        commands.payment.create_payments,
        st.builds(
            payment_asked,
            st.integers(2, 6),
            st.sampled_from([ALICE, ALICE, BOB, CAROL, "mer_" + "d" * 32]),
            st.sampled_from([1, 500]),
            st.sampled_from(["USD", "USD", "XXQ"]),
        ),
    ),
    "erase_contacts": (erase, st.integers(0, 4)),
    "create_refunds": (
        create_refunds,
        st.tuples(st.sampled_from([0, 0, 0, 1]), st.integers(1, 600), st.sampled_from(["USD", "USD", "JPY"])),
    ),
    "record_evidence": (
        record,
        st.tuples(
            st.integers(0, 4),
            st.sampled_from([*OUTCOMES, "SUCCEEDED", "FAILED"]),
            st.sampled_from(["RESPONSE", "INQUIRY", "CALLBACK"]),
            st.sampled_from(["ch_0", "ch_0", "ch_9"]),
            st.sampled_from([None, None, 1_000, 900, 1_100]),
        ),
    ),
    "on_statement_evidence": (
        take_lines,
        st.tuples(
            st.integers(0, 4),
            st.sampled_from(["CAPTURE", "CAPTURE", "PAY"]),
            st.sampled_from(["SUCCEEDED", "SUCCEEDED", "FAILED", "UNKNOWN"]),
            st.sampled_from(["ch_0", "ch_0", "ch_9"]),
            st.sampled_from([1_000, 1_000, 900]),
        ),
    ),
    "on_merchant_changed": (change_merchants, merchant_drafts),
}


@pytest.mark.parametrize("name", STEPS)
@ON_ONE_HOUSE
@given(data=st.data())
async def test_a_batch_equals_its_items_one_at_a_time(house: House, name: str, data: st.DataObject) -> None:
    step, drafts = STEPS[name]
    drawn = data.draw(st.lists(drafts, min_size=2, max_size=10))
    if step is change_merchants:  # The events of a key come in the order of its versions.
        drawn = [(who, 2 + place, status, fee) for place, (who, _, status, fee) in enumerate(drawn)]
    await assert_batch_equals_singles(house.runtime, step, drawn)


async def test_the_property_would_notice_a_difference(house: House) -> None:
    async def forgetful(tx: Tx, items: Sequence[Any]) -> Sequence[Any]:
        return [*await record(tx, items[:1]), *[None] * (len(items) - 1)]

    drafts = [(1, "SUCCEEDED", "RESPONSE", "ch_1", None), (2, "FAILED", "RESPONSE", "ch_2", None)]
    with pytest.raises(AssertionError):
        await assert_batch_equals_singles(house.runtime, forgetful, drafts)


async def assert_batch_equals_singles(
    runtime: Runtime, step: Step, drafts: Sequence[Any], *, prepare: Callable[[Tx], Awaitable[None]] = prepared
) -> None:
    async def look(tx: Tx, results: Sequence[Any]) -> Any:
        return [outcome(result) for result in results], await rows(tx), told(runtime, tx)

    await batches.assert_batch_equals_singles(runtime, step, drafts, look=look, prepare=prepare)


def outcome(result: Any) -> Any:
    """A result without the ids that chance gave it."""
    if isinstance(result, DomainError):
        return result.reason, result.field, {k: v for k, v in result.metadata.items() if k not in IDS}
    return None if result is None else anonymous(asdict(result))


def anonymous(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in IDS and name not in {"age_s", "lease_end"}}


async def rows(tx: Tx) -> dict[str, list[str]]:
    """Every row without ids of chance, in an order that does not depend on them."""
    of_payment = "SELECT payment.merchant_reference AS paid_reference, t.* FROM payment JOIN {} t USING (payment_id)"
    queries = {
        "payment": "SELECT * FROM payment",
        "capture": of_payment.format("capture"),
        "refund": of_payment.format("refund"),
        "attempt": of_payment.format("attempt"),
        "evidence": (
            "SELECT merchant_reference, e.source, e.outcome, e.verdict, e.channel_reference, e.amount_minor"
            " FROM evidence e JOIN attempt USING (attempt_id) JOIN payment USING (payment_id)"
        ),
        "refund_share": "SELECT amount_minor, fee_returned_minor FROM refund_share",
        "late_capture": of_payment.format("late_capture"),
        "unmatched_evidence": "SELECT * FROM unmatched_evidence",
        "dispute": of_payment.format("dispute"),
        "dispute_report": (
            "SELECT dispute_reference, replace(r.said, r.attempt_id, 'att') AS said, r.contradicts, r.record_time"
            " FROM dispute_report r JOIN dispute USING (dispute_id)"
        ),
        "contradiction": (
            "SELECT merchant_reference, c.* FROM contradiction c JOIN payment ON payment_id = aggregate_id"
        ),
        "merchant": "SELECT * FROM merchant",
        "merchant_fee": "SELECT * FROM merchant_fee",
        "contact": "SELECT merchant_reference, t.* FROM payment JOIN contact t ON subject_id = payment_id",
        "order": 'SELECT * FROM "order"',
        "merchant_funds": "SELECT * FROM merchant_funds",
        "dispute_file": "SELECT dispute_reference, f.* FROM dispute_file f JOIN dispute USING (dispute_id)",
        "refund_hold": "SELECT merchant_id, needed_minor FROM refund_hold",
    }
    unlike = ("due_time", "start_time")
    return {
        table: sorted(
            repr({k: v for k, v in anonymous(dict(row)).items() if k not in unlike}) for row in await tx.fetch(sql)
        )
        for table, sql in queries.items()
    }


def told(runtime: Runtime, tx: Tx) -> dict[str, list[dict[str, Any]]]:
    """The events of each payment, in order."""
    by_reference = defaultdict(list)
    for row in tx.emitted:
        event: Any = runtime.codec.decode(row[7])
        reference = getattr(event, "merchant_reference", None)  # Evidence about no attempt has none.
        by_reference[f"{event.merchant_id} {reference}"].append({"record": row[3]} | anonymous(event.as_record()))
    return by_reference
