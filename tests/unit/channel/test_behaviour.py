"""What the simulator does with an attempt."""

import re
from pathlib import Path

import pytest

from services.channel.domain.behaviour import (
    FIXED,
    FIXED_CANCELS,
    ORDINARY,
    Aftereffect,
    Behaviour,
    Decision,
    Scenario,
    cancel_scenario_of,
    part_of,
    scenario_of,
)

QUIET = Behaviour()


@pytest.mark.parametrize(
    ("amount_minor", "expected"),
    [
        (9001, Scenario(outcome=Decision.DECLINED, decline_code="insufficient_funds")),
        (19002, Scenario(outcome=Decision.DECLINED, decline_code="do_not_honor")),
        (9003, Scenario(answered=False)),
        (129004, Scenario(applied=False, answered=False)),
        (9005, Scenario(outcome=Decision.PENDING, later=Decision.APPROVED, callbacks=1)),
        (9006, Scenario(wrong_fee_minor=1)),
        (9007, Scenario(callbacks=2)),
        (9008, Scenario(outcome=Decision.PENDING, later=Decision.DECLINED, callbacks=1)),
        (9009, Scenario(outcome=Decision.DECLINED, decline_code="do_not_honor", later=Decision.APPROVED, callbacks=1)),
        (9010, Scenario(aftereffect=Aftereffect.RETURN)),
        (9011, Scenario(aftereffect=Aftereffect.DISPUTE_WON)),
        (99012, Scenario(aftereffect=Aftereffect.DISPUTE_LOST)),
        (19013, Scenario(part=True, money_in=True)),
        (9014, Scenario(aftereffect=Aftereffect.APPROVED_AGAIN, money_in=True)),
        (9015, Scenario(aftereffect=Aftereffect.UNDONE)),
        (9016, Scenario(aftereffect=Aftereffect.RETURN_SHORT)),
        (
            9017,
            Scenario(
                outcome=Decision.DECLINED,
                decline_code="do_not_honor",
                later=Decision.APPROVED,
                callbacks=1,
                refund_declines=2,
                money_in=True,
            ),
        ),
    ],
)
def test_an_amount_with_a_fixed_fate_meets_it_whatever_the_behaviour(amount_minor: int, expected: Scenario) -> None:
    assert scenario_of("att_1", amount_minor, QUIET, money_in=True) == expected
    assert scenario_of("att_1", amount_minor, Behaviour(decline_basis_points=10_000), money_in=True) == expected


@pytest.mark.parametrize("amount_minor", [1, 100, 999, 9000, 9018, 9019, 9020, 9027, 10_000, 90_013, 2**53 - 1])
def test_every_other_amount_is_approved(amount_minor: int) -> None:
    assert scenario_of("att_1", amount_minor, QUIET, money_in=True) == ORDINARY


@pytest.mark.parametrize("amount_minor", [9013, 9014, 9017])
def test_what_only_money_that_comes_in_meets_is_ordinary_for_refunds_and_payouts(amount_minor: int) -> None:
    assert scenario_of("att_1", amount_minor, QUIET, money_in=False) == ORDINARY


def test_refunds_and_payouts_alone_are_done_again_by_an_amount_of_their_own() -> None:
    again = Scenario(aftereffect=Aftereffect.APPROVED_AGAIN, money_in=False)
    assert scenario_of("att_1", 19_020, QUIET, money_in=False) == again


@pytest.mark.parametrize(("amount_minor", "part_minor"), [(19_013, 15_000), (9_013, 5_000), (29_013, 25_000)])
def test_a_part_is_the_amount_down_to_a_whole_5000(amount_minor: int, part_minor: int) -> None:
    assert part_of(amount_minor) == part_minor


def test_cancelling_goes_by_what_was_authorized() -> None:
    declined = Scenario(
        outcome=Decision.DECLINED, decline_code="processing_error", later=Decision.APPROVED, callbacks=1
    )
    assert cancel_scenario_of(19_018) == declined
    assert cancel_scenario_of(9_019) == Scenario(aftereffect=Aftereffect.UNDONE)
    assert {cancel_scenario_of(amount_minor) for amount_minor in (1, 9_001, 9_009, 9_017)} == {ORDINARY}


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        (Behaviour(decline_basis_points=10_000), Scenario(outcome=Decision.DECLINED, decline_code="do_not_honor")),
        (Behaviour(timeout_after_basis_points=10_000), Scenario(answered=False)),
        (Behaviour(timeout_before_basis_points=10_000), Scenario(applied=False, answered=False)),
        (
            Behaviour(pending_basis_points=10_000),
            Scenario(outcome=Decision.PENDING, later=Decision.APPROVED, callbacks=1),
        ),
        (Behaviour(duplicate_callback_basis_points=10_000), Scenario(callbacks=2)),
        (Behaviour(wrong_fee_basis_points=10_000), Scenario(wrong_fee_minor=1)),
    ],
)
def test_a_share_of_everything_meets_every_attempt(behaviour: Behaviour, expected: Scenario) -> None:
    assert {scenario_of(f"att_{i}", 100, behaviour, money_in=True) for i in range(50)} == {expected}


def test_shares_are_kept_over_many_attempts_and_do_not_overlap() -> None:
    behaviour = Behaviour(decline_basis_points=2_000, timeout_before_basis_points=3_000)
    scenarios = [scenario_of(f"att_{i}", 100, behaviour, money_in=True) for i in range(10_000)]
    declined = sum(scenario.outcome is Decision.DECLINED for scenario in scenarios)
    lost = sum(not scenario.applied for scenario in scenarios)
    # Five standard deviations of a binomial share: 200 for 2,000 of 10,000, 229 for 3,000.
    assert abs(declined - 2_000) < 200
    assert abs(lost - 3_000) < 229
    assert not any(scenario.outcome is Decision.DECLINED and not scenario.applied for scenario in scenarios)


def test_an_attempt_always_meets_the_same_fate() -> None:
    behaviour = Behaviour(decline_basis_points=5_000)
    assert [scenario_of("att_7", 100, behaviour, money_in=True) for _ in range(3)] == [
        scenario_of("att_7", 100, behaviour, money_in=True)
    ] * 3


@pytest.mark.parametrize("path", ["protos/paystream/channel/v1/channel.proto", "docs/simulator.md"])
def test_each_amount_with_a_fixed_fate_is_documented_and_no_other(path: str) -> None:
    text = (Path(__file__).parents[3] / path).read_text()
    documented = re.findall(r"^(?://   |\| )(90\d\d)\b", text, re.MULTILINE)
    assert [int(digits) for digits in documented] == sorted({**FIXED, **FIXED_CANCELS})
