"""What the simulator does with an attempt."""

import re
from pathlib import Path

import pytest

from services.channel.domain.behaviour import FIXED, ORDINARY, Behaviour, Fate, Outcome, Sequel, fate_of

QUIET = Behaviour()


@pytest.mark.parametrize(
    ("amount_minor", "expected"),
    [
        (9001, Fate(outcome=Outcome.DECLINED, decline_code="insufficient_funds")),
        (19002, Fate(outcome=Outcome.DECLINED, decline_code="do_not_honor")),
        (9003, Fate(answered=False)),
        (129004, Fate(applied=False, answered=False)),
        (9005, Fate(outcome=Outcome.PENDING, later=Outcome.APPROVED, callbacks=1)),
        (9006, Fate(wrong_fee_minor=1)),
        (9007, Fate(callbacks=2)),
        (9008, Fate(outcome=Outcome.PENDING, later=Outcome.DECLINED, callbacks=1)),
        (9009, Fate(outcome=Outcome.DECLINED, decline_code="do_not_honor", later=Outcome.APPROVED, callbacks=1)),
        (9010, Fate(sequel=Sequel.RETURN)),
        (9011, Fate(sequel=Sequel.DISPUTE_WON)),
        (99012, Fate(sequel=Sequel.DISPUTE_LOST)),
    ],
)
def test_an_amount_with_a_fixed_fate_meets_it_whatever_the_behaviour(amount_minor: int, expected: Fate) -> None:
    assert fate_of("att_1", amount_minor, QUIET) == expected
    assert fate_of("att_1", amount_minor, Behaviour(decline_basis_points=10_000)) == expected


@pytest.mark.parametrize("amount_minor", [1, 100, 999, 9000, 9013, 10_000, 90_013, 2**53 - 1])
def test_every_other_amount_is_approved(amount_minor: int) -> None:
    assert fate_of("att_1", amount_minor, QUIET) == ORDINARY


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        (Behaviour(decline_basis_points=10_000), Fate(outcome=Outcome.DECLINED, decline_code="do_not_honor")),
        (Behaviour(timeout_after_basis_points=10_000), Fate(answered=False)),
        (Behaviour(timeout_before_basis_points=10_000), Fate(applied=False, answered=False)),
        (
            Behaviour(pending_basis_points=10_000),
            Fate(outcome=Outcome.PENDING, later=Outcome.APPROVED, callbacks=1),
        ),
        (Behaviour(duplicate_callback_basis_points=10_000), Fate(callbacks=2)),
        (Behaviour(wrong_fee_basis_points=10_000), Fate(wrong_fee_minor=1)),
    ],
)
def test_a_share_of_everything_meets_every_attempt(behaviour: Behaviour, expected: Fate) -> None:
    assert {fate_of(f"att_{i}", 100, behaviour) for i in range(50)} == {expected}


def test_shares_are_kept_over_many_attempts_and_do_not_overlap() -> None:
    behaviour = Behaviour(decline_basis_points=2_000, timeout_before_basis_points=3_000)
    fates = [fate_of(f"att_{i}", 100, behaviour) for i in range(10_000)]
    declined = sum(fate.outcome is Outcome.DECLINED for fate in fates)
    lost = sum(not fate.applied for fate in fates)
    # Five standard deviations of a binomial share: 200 for 2,000 of 10,000, 229 for 3,000.
    assert abs(declined - 2_000) < 200
    assert abs(lost - 3_000) < 229
    assert not any(fate.outcome is Outcome.DECLINED and not fate.applied for fate in fates)


def test_an_attempt_always_meets_the_same_fate() -> None:
    behaviour = Behaviour(decline_basis_points=5_000)
    assert [fate_of("att_7", 100, behaviour) for _ in range(3)] == [fate_of("att_7", 100, behaviour)] * 3


@pytest.mark.parametrize("path", ["protos/paystream/channel/v1/channel.proto", "docs/simulator.md"])
def test_each_amount_with_a_fixed_fate_is_documented_and_no_other(path: str) -> None:
    text = (Path(__file__).parents[3] / path).read_text()
    documented = re.findall(r"^(?://   |\| )(90\d\d)\b", text, re.MULTILINE)
    assert [int(digits) for digits in documented] == sorted(FIXED)
