"""A ledger goes on by a chart that has more, and by no other."""

import pytest

from services.accounting import store
from services.accounting.domain import chart
from services.accounting.domain.chart import ChartError
from services.accounting.domain.chart_upgrade import require_upgrade

ASSET = store.load_chart("merchant_asset")
INTEREST = '[kinds."platform.interest"]\nnormal_side = "CREDIT"\n[kinds."merchant.settlement"]'


def changed(given: str, instead: str) -> chart.Chart:
    assert given in ASSET.text
    return chart.parse(ASSET.text.replace(given, instead, 1), complete=False)


def test_more_kinds_more_types_and_other_comments_are_an_upgrade() -> None:
    require_upgrade(ASSET, ASSET)
    require_upgrade(ASSET, changed('[kinds."merchant.settlement"]', INTEREST))
    require_upgrade(ASSET, changed("# The chart", "# Our chart"))
    without = changed("[types.WithdrawalBounced]", "[types.WithdrawalForgotten]")
    with pytest.raises(ChartError, match="lacks the types"):
        require_upgrade(ASSET, without)
    del without.types["WithdrawalForgotten"]  # type: ignore[attr-defined]  # As an older build kept it.
    require_upgrade(without, ASSET)


@pytest.mark.parametrize(
    ("given", "instead", "complaint"),
    [
        ('name = "merchant_asset"', 'name = "other"', "kept by the chart 'merchant_asset'"),
        ("floor_minor = 0\n", "", r"changes the kinds \['merchant.available'\]"),
        ('normal_side = "CREDIT"', 'normal_side = "DEBIT"', "changes the kinds"),
        ('ignores = ["excess"]\n', "", r"changes the types \['DisputeOpened'\]"),
        (', short = "merchant.receivable"', "", r"changes the types \['WithdrawalPaidLate'\]"),
    ],
)
def test_what_changes_what_is_booked_is_none(given: str, instead: str, complaint: str) -> None:
    with pytest.raises(ChartError, match=complaint):
        require_upgrade(ASSET, changed(given, instead))


def test_a_chart_has_the_hash_of_its_text(tmp_path: object) -> None:
    assert len(ASSET.content_hash) == 64
    assert changed("# The chart", "# Our chart").content_hash != ASSET.content_hash
