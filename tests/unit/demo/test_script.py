"""What the demo asks for must be possible, and must show what it promises."""

from collections import Counter

from paytools.demo import line_script, script
from paytools.demo.script import End

PLANNED = script.payments()


def test_each_round_strikes_every_currency_and_merchant_with_every_trouble() -> None:
    struck = Counter((each.trouble.name, each.currency_code) for each in PLANNED if each.trouble)
    assert len(struck) == 7 * 3
    assert set(struck.values()) == {4}
    assert {each.merchant for each in PLANNED if each.trouble is script.LOST_ANSWER} == {0, 1}


def meaning(amount_minor: int) -> int | None:
    """Give the last digits where the channel knows them: 9001 to 9012."""
    digits = amount_minor % 10_000
    return digits if 9_001 <= digits <= 9_012 else None


def test_an_amount_has_a_meaning_for_the_channel_exactly_where_trouble_is_wanted() -> None:
    for each in PLANNED:
        assert meaning(each.amount_minor) == (each.trouble.digits if each.trouble else None)
        for refund in each.refunds:
            assert meaning(refund.amount_minor) == (refund.trouble.digits if refund.trouble else None)


def test_no_payment_is_refunded_more_than_it_has_even_if_every_refund_succeeds() -> None:
    refunded = [each for each in PLANNED if each.refunds]
    assert len(refunded) > 100
    for each in refunded:
        assert each.end is End.SUCCEEDED
        assert 0 < sum(refund.amount_minor for refund in each.refunds) <= each.amount_minor


def test_refunds_meet_every_trouble_too() -> None:
    struck = {refund.trouble for each in PLANNED for refund in each.refunds if refund.trouble}
    assert struck == {script.LOST_ANSWER, script.DECLINED, script.LOST_CALL, script.LATE}


def test_the_figures_of_the_line_follow_from_what_its_shops_do() -> None:
    assert sum(each.quantity * each.unit_price_minor for each in line_script.STORY_ITEMS) == 1_200_000
    assert sum(line_script.STORY_CAPTURES_MINOR) == line_script.STORY_TOTAL_MINOR == 1_200_000
    assert line_script.STORY_PENDING_MINOR == 700_000 - 14_025 - 15_000
    assert line_script.STORY_SETTLED_MINOR == line_script.STORY_PENDING_MINOR + 500_000 - 10_000
    assert line_script.STORY_NET_MINOR + line_script.STORY_RESERVE_MINOR == line_script.STORY_SETTLED_MINOR
    assert line_script.SECOND_NET_MINOR == 15_639


def test_only_the_cancelled_order_and_the_failing_withdrawal_have_an_amount_with_a_meaning() -> None:
    struck = [each for each in line_script.SALES if meaning(each.total_minor)]
    assert [each.course for each in struck] == [line_script.Course.CANCELLED]
    story = (*line_script.STORY_CAPTURES_MINOR, line_script.STORY_REFUND_MINOR, line_script.STORY_NET_MINOR)
    assert [meaning(each) for each in (*story, line_script.SECOND_NET_MINOR)] == [None] * 5
    assert meaning(line_script.DECLINED_BY_BANK_MINOR) == 9_002
