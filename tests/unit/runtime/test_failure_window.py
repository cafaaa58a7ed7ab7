"""Bad data is few and far between; a bad deployment is not."""

import pytest

from paykit.consume.halting.failure_window import FailureWindow, is_defect

F, T = False, True


@pytest.mark.parametrize(
    ("failed", "exceeded"),
    [
        ([], False),
        ([T] * 5, False),
        ([T] * 6, True),
        ([T] * 3 + [F] + [T] * 3, False),
        ([T, F] * 10, False),
        ([T, F] * 11, True),
        ([T] + [F] * 999 + [T, F] * 10, False),  # The first has left the window of a thousand.
        ([T] + [F] * 900 + [T, F] * 10, True),
    ],
)
def test_more_than_five_in_a_row_or_one_percent_of_a_thousand_is_too_many(
    failed: list[bool], *, exceeded: bool
) -> None:
    assert FailureWindow().after(failed).exceeded is exceeded


def test_a_window_goes_on_from_batch_to_batch_and_forgets_a_batch_that_was_rolled_back() -> None:
    before = FailureWindow().after([T, T, T])
    assert before.after([T, T, T]).exceeded
    assert not before.after([T, T]).exceeded


@pytest.mark.parametrize(
    ("failed", "passed", "defect"),
    [(0, 0, False), (1, 0, False), (2, 0, True), (2, 1, False), (10, 500, False), (11, 989, True)],
)
def test_a_page_in_which_everything_fails_or_over_one_percent_tells_of_a_defect(
    failed: int, passed: int, *, defect: bool
) -> None:
    assert is_defect(failed=failed, passed=passed) is defect
