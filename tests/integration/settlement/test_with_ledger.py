"""Settlement and the real ledger, event by event: both agree on what was recovered, consumed and released."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from paykit.testing import databases
from paykit.testing.outbox_events import outbox_events
from paystream.accounting.v1.events import TransactionCreated, TransactionRejected
from paystream.settlement.v1.events import (
    BalanceRecovered,
    MerchantBalanceNegative,
    ReserveConsumed,
    ReserveReleased,
    SettlementCreated,
)
from paystream.withdrawal.v1.events import WithdrawalCreated
from services.accounting.service import SERVICE as ACCOUNTING
from tests.conftest import RuntimeOf
from tests.integration.accounting import books
from tests.integration.settlement.till import Till
from tests.unit.accounting import ledger as told
from tests.unit.settlement.builders import ALICE, MANUAL, daily

FUNDS_WAITED_S = 60.0
"""Longer than the ledger waits for funds that may be on their way."""


class Both:
    """A ledger and a settlement service, each told once of what the other tells."""

    def __init__(self, ledger: Any, till: Till) -> None:
        self.ledger = ledger
        self.till = till
        self._heard_by_till = 0
        self._heard_by_ledger = 0

    async def pass_on(self) -> None:
        """Bring new events of each to the other, look at balances, and again, until nothing is new."""
        while await self.to_till() + await self.to_ledger() + await self.till.recover():
            pass

    async def balances(self) -> dict[str, int]:
        """Read ALICE's accounts in the ledger, and see that settlement follows them."""
        kinds = ("settlement", "available", "reserve")
        ledger = {kind: await books.balance(self.ledger, books.account(f"merchant.{kind}", ALICE)) for kind in kinds}
        position = await self.till.position()
        assert ledger == {kind: getattr(position, f"{kind}_minor") for kind in kinds}
        return ledger

    async def to_till(self) -> int:
        told = (await outbox_events(self.ledger))[self._heard_by_till :]
        self._heard_by_till += len(told)
        events = [self.ledger.codec.decode(row["value"]) for row in told]
        for event_type in (TransactionCreated, TransactionRejected):
            await self.till.consume(*(event for event in events if isinstance(event, event_type)))
        return len(events)

    async def to_ledger(self) -> int:
        events = (await self.till.told())[self._heard_by_ledger :]
        self._heard_by_ledger += len(events)
        for event in events:
            if isinstance(event, SettlementCreated | BalanceRecovered | ReserveConsumed | ReserveReleased):
                assert await books.consume(self.ledger, event, waited_s=FUNDS_WAITED_S) == [None]
        return len(events)


@pytest.fixture
async def database_url(template: str) -> AsyncIterator[str]:
    """A fresh database: a ledger is never empty."""
    async with databases.database(template) as url:
        yield url


@pytest.fixture
async def both(till: Till, runtime_of: RuntimeOf) -> Both:
    return Both(await runtime_of(ACCOUNTING), till)


async def test_a_refund_after_settlement_leaves_what_the_fee_took(both: Both) -> None:
    # 10,000 with a fee of 320 settled, 10,000 refunded: 9,680 recovered, -320 left.
    await both.till.policy(MANUAL)
    await books.consume(both.ledger, told.capture(1))
    await both.pass_on()
    await both.till.create()
    await both.pass_on()
    assert await both.balances() == {"settlement": 0, "available": 9_680, "reserve": 0}
    await books.consume(both.ledger, told.refund(1, amount_minor=10_000, fee_returned_minor=0))
    await both.pass_on()
    assert await both.balances() == {"settlement": -320, "available": 0, "reserve": 0}
    assert (await both.till.last(BalanceRecovered)).amount_minor == 9_680
    assert (await both.till.last(MerchantBalanceNegative)).balance_minor == -320


async def test_a_reserve_makes_up_for_the_rest_and_what_is_left_of_it_is_released(both: Both) -> None:
    # 5 captures of 10,000 with a fee of 320 make 48,400: 4,840 in reserve, 43,560 available. Refunds of 46,000 take
    # all that is available, and 2,440 of the reserve; its other 2,400 are released.
    await both.till.policy(daily("18:00", reserve_basis_points=1_000, reserve_days=10))
    await books.consume(both.ledger, *(told.capture(number) for number in range(1, 6)))
    await both.pass_on()
    await both.till.create()
    await both.pass_on()
    refunds = [told.refund(number, amount_minor=10_000, fee_returned_minor=0) for number in range(1, 5)]
    await books.consume(both.ledger, *refunds, told.refund(5, amount_minor=6_000, fee_returned_minor=0))
    await both.pass_on()
    assert await both.balances() == {"settlement": 0, "available": 0, "reserve": 2_400}
    assert (await both.till.last(ReserveConsumed)).amount_minor == 2_440
    both.till.clock.advance(timedelta(days=10))
    assert await both.till.release() == 1
    await both.pass_on()
    assert await both.balances() == {"settlement": 2_400, "available": 0, "reserve": 0}


async def test_a_recovery_of_funds_that_are_gone_is_refused_and_asked_for_again(both: Both) -> None:
    await both.till.policy(MANUAL)
    await books.consume(both.ledger, told.capture(1))
    await both.pass_on()
    await both.till.create()
    await both.pass_on()
    await books.consume(both.ledger, told.refund(1, amount_minor=10_000, fee_returned_minor=0))
    await both.to_till()
    await both.till.recover()
    # Before the ledger hears of the recovery, 9,000 are held for a withdrawal, which settlement hears of later.
    await books.consume(both.ledger, told.withdrawal(WithdrawalCreated, amount_minor=9_000))
    await both.to_ledger()
    await both.pass_on()
    assert await both.balances() == {"settlement": -9_320, "available": 0, "reserve": 0}
    recovered = [event.amount_minor for event in await both.till.told() if isinstance(event, BalanceRecovered)]
    assert recovered == [9_680, 680]
