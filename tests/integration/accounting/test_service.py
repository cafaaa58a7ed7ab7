"""The service's start: which chart a ledger is kept by."""

from pathlib import Path

import pytest

from paykit.events import classes as catalogue
from services.accounting import store
from services.accounting.commands.verification import verify
from services.accounting.domain import chart
from services.accounting.domain.chart import ChartError
from services.accounting.service import SERVICE
from tests.conftest import RuntimeOf
from tests.integration.accounting.books import balance, consume, rows
from tests.unit.accounting.ledger import ALICE, capture, refund

VARIABLE = "PAYSTREAM_ACCOUNTING_CHART"


async def test_a_new_ledger_is_kept_by_the_chart_of_the_settings(
    runtime_of: RuntimeOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "psp_liability")
    ledger = await runtime_of(SERVICE)
    await consume(ledger, capture(amount_minor=10_000, fee_minor=320))
    await consume(ledger, refund(amount_minor=4_000, fee_returned_minor=128))
    kinds = store.load_chart("psp_liability").kinds
    owners = {"channel.receivable": None, "merchant.settlement": ALICE, "platform.fees": None}
    balances = [await balance(ledger, chart.account_id(kinds[kind], owner, "USD")) for kind, owner in owners.items()]
    assert balances == [10_000 - 4_000, 10_000 - 320 - 4_000 + 128, 320 - 128]
    assert (await ledger.read(verify)).entries == 8


async def test_a_ledger_refuses_to_start_with_another_chart(
    runtime_of: RuntimeOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    await runtime_of(SERVICE)
    await runtime_of(SERVICE)
    monkeypatch.setenv(VARIABLE, "psp_liability")
    with pytest.raises(ChartError, match="kept by the chart 'merchant_asset'; PAYSTREAM_ACCOUNTING_CHART names 'psp"):
        await runtime_of(SERVICE)


async def test_an_unknown_chart_is_refused(runtime_of: RuntimeOf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "cash_basis")
    with pytest.raises(ChartError, match="no chart is named 'cash_basis'"):
        await runtime_of(SERVICE)


async def test_a_chart_is_supplied_by_file_and_followed_by_a_version_with_more(
    runtime_of: RuntimeOf, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = store.load_chart("merchant_asset").text
    first, second, third = (tmp_path / f"{n}.toml" for n in (1, 2, 3))
    first.write_text(text.replace('name = "merchant_asset"', 'name = "our_own"'))
    more = '[kinds."platform.interest"]\nnormal_side = "CREDIT"\n\n[kinds."merchant.settlement"]'
    second.write_text(first.read_text().replace('[kinds."merchant.settlement"]', more, 1))
    withdrawing = '[kinds."merchant.withdrawing"]\nnormal_side = "DEBIT"\n'
    third.write_text(second.read_text().replace(f"{withdrawing}floor_minor = 0\n", withdrawing))
    monkeypatch.setenv(VARIABLE, str(first))
    ledger = await runtime_of(SERVICE)
    await consume(ledger, capture(1))
    monkeypatch.setenv(VARIABLE, str(second))
    upgraded = await runtime_of(SERVICE)
    # The process that was there goes on by the new version as well.
    assert await consume(ledger, capture(1), capture(2)) == [None, None]
    sql = "SELECT version, chart_name, content_hash FROM chart_version ORDER BY version"
    hashes = [store.load_chart(str(path)).content_hash for path in (first, second)]
    assert await rows(upgraded, sql) == [(1, "our_own", hashes[0]), (2, "our_own", hashes[1])]
    assert "platform.interest" in (await ledger.read(store.chart_in_use)).kinds
    for path, complaint in ((third, r"changes the kinds \['merchant.withdrawing'\]"), (first, "followed by version 2")):
        monkeypatch.setenv(VARIABLE, str(path))
        with pytest.raises(ChartError, match=complaint):
            await runtime_of(SERVICE)
    await ledger.read(verify)


def test_every_record_of_its_topics_is_handled_or_ignored() -> None:
    for subscription in SERVICE.subscriptions:
        handled = {event.RECORD for event in subscription.handles}
        assert handled.isdisjoint(subscription.ignores)
        assert handled | subscription.ignores == catalogue.records_of(subscription.topic)
