"""`ledger verify` names what is open though the books are right."""

from datetime import timedelta

from paykit.process.runtime import Runtime
from paystream.payment.v1.events import DisputeOpened, LateCaptureReceived
from paystream.withdrawal.v1.events import WithdrawalCreated, WithdrawalPaidLate
from services.accounting.commands.open_matters import OpenMatter
from services.accounting.commands.verification import verify
from tests.integration.accounting.books import consume
from tests.integration.accounting.test_ledger_command import run
from tests.unit.accounting.ledger import (
    ALICE,
    BOB,
    NOON,
    capture,
    dispute,
    dispute_id,
    late,
    payment_id,
    refund,
    settlement,
    withdrawal,
    withdrawal_id,
)


def told(matters: tuple[OpenMatter, ...]) -> list[tuple[str, str | None, str, int]]:
    return [(each.kind.value, each.merchant_id, each.reference, each.amount_minor) for each in matters]


async def test_a_sound_ledger_in_which_nothing_is_open_says_so(ledger: Runtime, admin_url: str) -> None:
    await consume(ledger, capture(1))
    assert (await ledger.read(verify)).open_matters == ()
    assert "Nothing is in suspense, owed or held for too long." in (await run("verify", "--postgres", admin_url)).stdout


async def test_suspense_debts_and_holds_without_an_end_are_named(ledger: Runtime, admin_url: str) -> None:
    await consume(ledger, settlement(1, net=9_000, reserve=500))
    await consume(ledger, late(LateCaptureReceived, 1, amount_minor=1_234))
    await consume(ledger, refund(2, amount_minor=4_000, suspense_minor=4_000))
    # One that came late and was given back is open no more.
    await consume(ledger, late(LateCaptureReceived, 3, amount_minor=700))
    await consume(ledger, refund(3, amount_minor=700, suspense_minor=700))
    await consume(ledger, withdrawal(WithdrawalCreated, 1, amount_minor=6_000))
    await consume(ledger, withdrawal(WithdrawalPaidLate, 2, amount_minor=50, merchant_id=BOB))
    await consume(ledger, dispute(DisputeOpened, 1, amount_minor=2_500, merchant_id=BOB))
    debts = [
        ("NEGATIVE_SETTLEMENT", ALICE, ALICE, 9_500),
        ("NEGATIVE_SETTLEMENT", BOB, BOB, 2_500),
        ("RECEIVABLE", BOB, BOB, 50),
    ]
    in_suspense = [
        ("SUSPENSE_OWED", None, payment_id(1), 1_234),
        ("SUSPENSE_OUT", None, payment_id(2), 4_000),
    ]
    ledger.clock.advance(NOON - ledger.clock.now())  # type: ignore[attr-defined]  # The clock of a test.
    assert told((await ledger.read(verify)).open_matters) == [*in_suspense, *debts]
    ledger.clock.advance(timedelta(days=8))  # type: ignore[attr-defined]
    long_held = [("LONG_HOLD", ALICE, withdrawal_id(1), 6_000)]
    assert told((await ledger.read(verify)).open_matters) == [*in_suspense, *long_held, *debts]
    ledger.clock.advance(timedelta(days=173))  # type: ignore[attr-defined]
    assert ("LONG_HOLD", BOB, dispute_id(1), 2_500) in told((await ledger.read(verify)).open_matters)
    printed = await run("verify", "--postgres", admin_url)
    assert printed.exit_code == 0, printed.output
    lines = [line.split() for line in printed.stdout.splitlines()]
    assert [line[-2:] for line in lines if line and line[0] == "SUSPENSE_OWED"] == [["12.34", "USD"]]
