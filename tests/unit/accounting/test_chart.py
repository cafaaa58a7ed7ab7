"""Charts of accounts: those that ship, and those that must be refused."""

import pytest

from paystream.accounting.v1.events import Side
from services.accounting import store
from services.accounting.domain import chart
from services.accounting.domain.chart import ChartError

SMALL = """
name = "small"
[kinds."merchant.settlement"]
normal_side = "DEBIT"
[kinds."platform.income"]
normal_side = "CREDIT"
[types.PaymentSuccess]
direction = "CREDIT"
entries = [
    { increase = "merchant.settlement", amount = "amount" }, { increase = "platform.income", amount = "amount" },
    { decrease = "merchant.settlement", amount = "fee" }, { decrease = "platform.income", amount = "fee" },
]
[types.RefundSuccess]
direction = "DEBIT"
entries = [
    { decrease = "merchant.settlement", amount = "merchant" }, { decrease = "platform.income", amount = "merchant" },
    { increase = "merchant.settlement", amount = "fee_returned" },
    { increase = "platform.income", amount = "fee_returned" },
]
ignores = ["suspense"]
[types.WithdrawalPaidLate]
direction = "DEBIT"
entries = [
    { decrease = "merchant.available", amount = "amount", short = "merchant.receivable" },
    { decrease = "platform.income", amount = "amount" },
]
[kinds."merchant.available"]
normal_side = "DEBIT"
floor_minor = 0
[kinds."merchant.receivable"]
normal_side = "CREDIT"
floor_minor = 0
""" + "".join(
    f"""
[types.{name}]
entries = [{
        ", ".join(
            f'{{ {verb} = "platform.income", amount = "{amount}" }}'
            for amount in sorted(amounts)
            for verb in ("increase", "decrease")
        )
    }]
"""
    for name, amounts in chart.EVENT_AMOUNTS.items()
    if name not in {"PaymentSuccess", "RefundSuccess", "WithdrawalPaidLate"}
)


OF_A_MERCHANT = """[types.ChannelStatementClosed]
entries = [
    { increase = "merchant.settlement", amount = "fee" }, { decrease = "merchant.settlement", amount = "fee" },
    { increase = "platform.income", amount = "fee" }"""


def test_two_charts_ship() -> None:
    assert store.chart_names() == ("merchant_asset", "psp_liability")
    assert [store.load_chart(name).name for name in store.chart_names()] == ["merchant_asset", "psp_liability"]


def test_merchants_accounts_are_assets_in_one_chart_and_debts_in_the_other() -> None:
    assert store.load_chart("merchant_asset").kinds["merchant.settlement"].normal_side is Side.DEBIT
    assert store.load_chart("psp_liability").kinds["merchant.settlement"].normal_side is Side.CREDIT


@pytest.mark.parametrize("name", ["merchant_asset", "psp_liability"])
def test_what_waits_for_the_merchant_has_a_floor_and_what_awaits_settlement_has_none(name: str) -> None:
    assert store.load_chart(name).floors == dict.fromkeys(
        (
            "merchant.available",
            "merchant.withdrawing",
            "merchant.reserve",
            "merchant.disputed",
            "merchant.receivable",
        ),
        0,
    )


def test_an_unknown_chart_is_refused_by_name() -> None:
    with pytest.raises(ChartError, match="no chart is named 'cash_basis'; there are merchant_asset, psp_liability"):
        store.load_chart("cash_basis")


def test_a_small_chart_is_accepted() -> None:
    assert chart.parse(SMALL).name == "small"


@pytest.mark.parametrize(
    ("given", "instead", "complaint"),
    [
        (
            'increase = "platform.income", amount = "amount"',
            'decrease = "platform.income", amount = "amount"',
            "amount",
        ),
        ('decrease = "platform.income", amount = "fee"', 'decrease = "platform.income", amount = "amount"', "balance"),
        ('{ decrease = "platform.income", amount = "fee" },', "", "-1 x fee"),
        ('amount = "fee_returned" }', 'amount = "tax" }', "no amount named"),
        ('"platform.income", amount = "fee"', '"platform.profit", amount = "fee"', "platform.profit"),
        ('normal_side = "CREDIT"', 'normal_side = "LEFT"', "'LEFT' is not a side"),
        ('normal_side = "CREDIT"', 'normal_side = "CREDIT"\nfloor_minor = 5', "above 0"),
        ('normal_side = "CREDIT"', 'normal_side = "CREDIT"\nfloor = 0', "unknown"),
        ('direction = "DEBIT"', 'direction = "BACK"', "not a direction"),
        ('direction = "DEBIT"', 'direction = "CREDIT"', "RefundSuccess says CREDIT, its entries say DEBIT"),
        ('direction = "DEBIT"', "", "RefundSuccess says no direction, its entries say DEBIT"),
        (
            "[types.DisputeWon]",
            '[types.DisputeWon]\ndirection = "CREDIT"',
            "DisputeWon says CREDIT, its entries say none",
        ),
        ('ignores = ["suspense"]', "", "RefundSuccess books no entry for suspense"),
        ('ignores = ["suspense"]', 'ignores = ["suspense", "merchant"]', "books what it ignores, merchant"),
        ('ignores = ["suspense"]', 'ignores = ["suspense", "tax"]', "no amount named"),
        ('ignores = ["suspense"]', 'ignored = ["suspense"]', "unknown"),
        (', short = "merchant.receivable"', ', short = "merchant.owing"', "merchant.owing"),
        (', short = "merchant.receivable"', ', short = "platform.income"', "another owner"),
        (', short = "merchant.receivable"', ', short = "merchant.available"', "may be short itself"),
        (
            'decrease = "merchant.available", amount = "amount", short = "merchant.receivable"',
            'decrease = "merchant.settlement", amount = "amount", short = "merchant.receivable"',
            "merchant.settlement cannot be short",
        ),
        (
            '[types.ChannelStatementClosed]\nentries = [{ increase = "platform.income", amount = "fee" }',
            OF_A_MERCHANT,
            "about no merchant",
        ),
        ("types.RefundSuccess", "types.RefundFailure", "RefundFailure"),
        ('{ increase = "platform.income"', '{ increase = "platform.income", decrease = "platform.income"', "either"),
        ('name = "small"', "", "name"),
        ("[types.PaymentSuccess]", "[types.PaymentSuccess", "cannot be read"),
    ],
)
def test_a_wrong_chart_is_refused_with_what_is_wrong(given: str, instead: str, complaint: str) -> None:
    assert given in SMALL
    with pytest.raises(ChartError, match=complaint):
        chart.parse(SMALL.replace(given, instead, 1))


def test_an_amount_that_no_entry_books_is_refused() -> None:
    lines = [line for line in SMALL.splitlines() if not line.startswith("    { decrease") or '"fee"' not in line]
    without_fee = "\n".join(lines)
    with pytest.raises(ChartError, match="PaymentSuccess books no entry for fee"):
        chart.parse(without_fee)


def test_an_account_has_one_id_for_its_kind_owner_and_currency() -> None:
    kinds = store.load_chart("merchant_asset").kinds
    settlement, available = kinds["merchant.settlement"], kinds["merchant.available"]
    ids = {
        chart.account_id(settlement, "mer_1", "USD"),
        chart.account_id(settlement, "mer_1", "JPY"),
        chart.account_id(settlement, "mer_2", "USD"),
        chart.account_id(available, "mer_1", "USD"),
    }
    assert len(ids) == 4
    assert chart.account_id(settlement, "mer_1", "USD") in ids
