"""Contradictions as people list and end them, on a real database."""

from typing import Any

import asyncpg
import pytest

from paykit.base.four_eyes import SamePerson
from paykit.contradictions import open_contradictions
from paykit.contradictions.contradiction import (
    Contradiction,
    ContradictionKind,
    ContradictionNotFound,
    ContradictionState,
    ResolutionNotPossible,
)
from paykit.errors import IllegalTransition
from paykit.ids import new_id
from paykit.testing.runtimes import START
from paystream.common.v1 import contradiction_pb2
from paystream.payment.v1 import payment_pb2 as pb
from services.payment import store
from services.payment.jobs import contradictions as job
from tests.integration.payment.conftest import House
from tests.integration.payment.contradicting import approve, contradictions, propose, reject

WRITE_OFF = contradiction_pb2.CONTRADICTION_RESOLUTION_WRITE_OFF
CHARGE = contradiction_pb2.CONTRADICTION_RESOLUTION_CHARGE_MERCHANT


async def contradicted(house: House, **changes: Any) -> Contradiction:
    """A payment with a contradiction over 20,000 that is out with nothing behind it."""
    payment = await house.paid()
    given: dict[str, Any] = {
        "contradiction_id": new_id("ctr"),
        "aggregate_id": payment.payment_id,
        "subject_id": payment.payment_id,
        "attempt_id": None,
        "merchant_id": house.merchant_id,
        "kind": ContradictionKind.LATE_SUCCESS,
        "amount_minor": 20_000,
        "currency_code": "USD",
        "suspense_minor": -20_000,
        "recorded": "FAILED",
        "reported": "SUCCEEDED",
        "channel_reference": "ch_9",
        "needs_decision": True,
        "create_time": START,
        "update_time": START,
    }
    row = Contradiction(**given | changes)

    async def insert(tx: Any) -> None:
        rows = store.contradictions.rows(tx)
        rows.add(row)
        await tx.save(rows)

    await house.runtime.transaction(insert)
    return row


@pytest.mark.parametrize(
    ("resolution", "charged_minor", "written_off_minor"), [(CHARGE, 20_000, 0), (WRITE_OFF, 0, 20_000)]
)
async def test_two_people_say_who_bears_what_is_out(
    house: House, resolution: Any, charged_minor: int, written_off_minor: int
) -> None:
    row = await contradicted(house)

    proposed = await propose(house, row.contradiction_id, resolution)
    resolved = await approve(house, row.contradiction_id)

    assert (proposed.state, proposed.proposer, proposed.reason) == (
        *(contradiction_pb2.CONTRADICTION_STATE_PROPOSED, "alice"),
        "Looked into.",
    )
    assert (resolved.state, resolved.decider, resolved.suspense_minor) == (
        *(contradiction_pb2.CONTRADICTION_STATE_RESOLVED, "bob"),
        0,
    )
    [*_, told] = await house.told(row.aggregate_id)
    assert (told.contradiction_id, told.charged_minor, told.written_off_minor) == (
        *(row.contradiction_id, charged_minor),
        written_off_minor,
    )
    assert (told.proposer, told.actor, told.reason, told.amount_minor) == ("alice", "bob", "Looked into.", 20_000)


async def test_nobody_ends_one_alone_whatever_the_case_of_the_name(house: House) -> None:
    row = await contradicted(house)
    await propose(house, row.contradiction_id, WRITE_OFF)

    for name in ("alice", "ALICE"):
        with pytest.raises(SamePerson):
            await approve(house, row.contradiction_id, decider=name)
    with pytest.raises(SamePerson):
        await reject(house, row.contradiction_id, decider="anonymous")

    rejected = await reject(house, row.contradiction_id)
    assert (rejected.state, rejected.proposer) == (contradiction_pb2.CONTRADICTION_STATE_OPEN, "")
    with pytest.raises(IllegalTransition):
        await approve(house, row.contradiction_id)


async def test_what_cannot_end_it_and_what_is_not_there_is_refused(house: House) -> None:
    row = await contradicted(house)

    with pytest.raises(ResolutionNotPossible):
        await propose(house, row.contradiction_id, contradiction_pb2.CONTRADICTION_RESOLUTION_ACCEPT)
    with pytest.raises(ContradictionNotFound):
        await propose(house, new_id("ctr"), WRITE_OFF)
    with pytest.raises(ContradictionNotFound):
        await house.call.GetContradiction(pb.GetContradictionRequest(contradiction_id=new_id("ctr")), None)


async def test_they_are_listed_across_merchants_by_what_they_are(house: House) -> None:
    small = await contradicted(house, amount_minor=100, suspense_minor=0)
    handled = await contradicted(
        house, kind=ContradictionKind.REVERSED, needs_decision=False, state=ContradictionState.AUTOMATIC
    )

    ids = {row.contradiction_id for row in await contradictions(house)}
    of_kind = await contradictions(house, kind=contradiction_pb2.CONTRADICTION_KIND_REVERSED)
    large = await contradictions(house, amount_minor_min=101)
    open_ones = await contradictions(house, state=contradiction_pb2.CONTRADICTION_STATE_OPEN)

    assert ids == {small.contradiction_id, handled.contradiction_id}
    assert [row.contradiction_id for row in of_kind] == [row.contradiction_id for row in large]
    assert [row.contradiction_id for row in open_ones] == [small.contradiction_id]
    assert await contradictions(house, merchant_id=new_id("mer")) == []
    assert await contradictions(house, currency_code="JPY") == []
    assert [row.contradiction_id for row in await contradictions(house, amount_minor_max=100)] == [
        small.contradiction_id
    ]
    about = await contradictions(house, aggregate_id=handled.aggregate_id, channel_reference="ch_9")
    assert [row.contradiction_id for row in about] == [handled.contradiction_id]
    assert await contradictions(house, channel_reference="ch_8") == []
    oldest_first = [row.contradiction_id for row in await contradictions(house, order_by="create_time")]
    assert oldest_first == sorted(ids)
    read = pb.GetContradictionRequest(contradiction_id=small.contradiction_id)
    assert (await house.call.GetContradiction(read, None)).contradiction == open_ones[0]


async def test_what_waits_for_people_is_counted(house: House) -> None:
    await contradicted(house)
    await contradicted(house, needs_decision=False, state=ContradictionState.AUTOMATIC)

    await job.report(house.runtime)

    waiting = open_contradictions.OPEN.labels("payment", "LATE_SUCCESS")._value.get()
    none = open_contradictions.OPEN.labels("payment", "REVERSED")._value.get()
    assert (waiting, none) == (1, 0)


@pytest.mark.parametrize(
    "change",
    [
        "decider = 'ALICE ', state = 'RESOLVED', suspense_minor = 0",
        "state = 'RESOLVED', suspense_minor = 0",
        "state = 'AUTOMATIC'",
        "suspense_minor = -20001",
    ],
)
async def test_the_database_refuses_what_the_rules_do_not_know(house: House, change: str) -> None:
    row = await contradicted(house)
    await propose(house, row.contradiction_id, WRITE_OFF)

    with pytest.raises(asyncpg.CheckViolationError):
        await house.runtime.transaction(lambda tx: tx.run(f"UPDATE contradiction SET {change}"))
