"""What is measured of the ledger: whether it balances, and how soon it books."""

from datetime import timedelta

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from paykit.process.runtime import Runtime
from services.accounting import jobs
from tests.integration.accounting.books import account, consume
from tests.integration.damage import damage
from tests.unit.accounting.ledger import ALICE, NOON, capture


def imbalance(currency_code: str) -> float | None:
    return REGISTRY.get_sample_value("paystream_ledger_imbalance_minor", {"currency_code": currency_code})


def booked(le: str) -> float:
    return REGISTRY.get_sample_value("paystream_accepted_to_booked_seconds_bucket", {"le": le}) or 0.0


async def test_a_ledger_out_of_balance_is_measured_by_currency_to_the_minor_unit(
    ledger: Runtime, admin_url: str
) -> None:
    await consume(ledger, capture(1), capture(2, currency_code="JPY"))
    await jobs.report_imbalance(ledger)
    assert (imbalance("USD"), imbalance("JPY")) == (0, 0)
    # What the merchant is owed grows by 7 on the credit side.
    owed = account("merchant.settlement", ALICE)
    change = f"UPDATE accounting.balance SET balance_minor = balance_minor + 7 WHERE account_id = '{owed}'"
    await damage(admin_url, change)
    with capture_logs() as lines:
        await jobs.report_imbalance(ledger)
    assert (abs(imbalance("USD") or 0), imbalance("JPY")) == (7, 0)
    assert [line["imbalance_minor"].keys() for line in lines] == [{"USD"}]
    await damage(admin_url, change.replace("+ 7", "- 7"))
    await jobs.report_imbalance(ledger)
    assert (imbalance("USD"), imbalance("JPY")) == (0, 0)


async def test_a_look_that_takes_too_long_ends_itself_and_says_that_nothing_is_known(
    ledger: Runtime, monkeypatch: pytest.MonkeyPatch, admin_url: str
) -> None:
    await consume(ledger, capture(1))
    await jobs.report_imbalance(ledger)
    checked = REGISTRY.get_sample_value("paystream_ledger_checked_timestamp_seconds")
    monkeypatch.setattr(jobs, "IMBALANCE_S_MAX", 0.001)
    many = (
        "INSERT INTO accounting.balance SELECT account_id, 30, 0 FROM accounting.balance LIMIT 1",
        "INSERT INTO accounting.balance SELECT 'acc_' || n, 0, 0 FROM generate_series(1, 300000) n",
    )
    await damage(admin_url, *many)
    with capture_logs() as lines:
        await jobs.report_imbalance(ledger)
    assert [line["event"] for line in lines] == ["imbalance_unknown"]
    assert REGISTRY.get_sample_value("paystream_ledger_checked_timestamp_seconds") == checked


async def test_each_booking_is_timed_once_from_when_its_event_was_recorded(ledger: Runtime) -> None:
    before = {le: booked(le) for le in ("2.5", "5.0", "+Inf")}
    ledger.clock.advance(NOON - ledger.clock.now() + timedelta(seconds=4))  # type: ignore[attr-defined]
    await consume(ledger, capture(1), capture(1), capture(2))
    ledger.clock.advance(timedelta(hours=1))  # type: ignore[attr-defined]
    await consume(ledger, capture(1), capture(2))
    assert {le: booked(le) - before[le] for le in before} == {"2.5": 0, "5.0": 2, "+Inf": 2}
