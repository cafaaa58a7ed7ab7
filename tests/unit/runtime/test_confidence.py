"""Which groups are tried at once, after some that could not be."""

from paykit.serve.groups.at_once import GROUPS_PASSED_BY_MAX, Confidence


def passed_by(confidence: Confidence) -> int:
    """Count the groups that go under claims before the next try."""
    count = 0
    while not confidence.tries():
        count += 1
    return count


def test_every_group_is_tried_while_none_fails() -> None:
    confidence = Confidence("Try")
    for _ in range(3):
        assert confidence.tries()
        confidence.succeeded()


def test_each_failure_in_a_row_has_twice_as_many_groups_pass_up_to_a_bound() -> None:
    confidence = Confidence("Fail")
    passed = []
    for _ in range(9):
        confidence.failed()
        passed.append(passed_by(confidence))
    assert passed == [1, 2, 4, 8, 16, 32, 64, 64, 64]
    assert GROUPS_PASSED_BY_MAX == 64


def test_a_success_begins_anew() -> None:
    confidence = Confidence("Recover")
    for _ in range(4):
        confidence.failed()
    assert passed_by(confidence) == 8
    confidence.succeeded()
    confidence.failed()
    assert passed_by(confidence) == 1
