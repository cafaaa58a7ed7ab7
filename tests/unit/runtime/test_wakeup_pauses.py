"""How often other processes are told that there is work."""

from paykit.postgres.wakeups import CHANGES, OUTBOX, OUTCOMES, next_pause_s


def test_work_without_end_is_told_less_and_less_often_up_to_a_bound() -> None:
    pauses = [0.01]
    for _ in range(3):
        pauses.append(next_pause_s(pauses[-1], pending={OUTBOX, "submit_attempts"}))
    assert pauses == [0.01, 0.02, 0.04, 0.04]


def test_after_a_pause_without_a_signal_the_next_one_is_told_at_once_again() -> None:
    assert next_pause_s(0.04, pending=()) == 0.01


def test_what_somebody_waits_behind_is_never_told_less_often() -> None:
    assert next_pause_s(0.04, pending={OUTBOX, OUTCOMES}) == 0.01
    assert next_pause_s(0.04, pending={CHANGES}) == 0.01
