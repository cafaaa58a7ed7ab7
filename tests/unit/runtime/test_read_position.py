"""Reading goes on past rows that wait, forgets none that commits late, and none that was left."""

from paykit.kafka.read_position import LATE_COMMIT_S, WHOLE_LOOK_EVERY_S, ReadPosition

DEAD = frozenset({"dead"})


def test_reading_starts_at_the_begin_until_no_smaller_id_is_expected() -> None:
    position = ReadPosition()
    position.passed(500, DEAD, now_s=100.0)
    assert position.after(now_s=100.0 + LATE_COMMIT_S - 0.1) == -1
    assert position.after(now_s=100.0 + LATE_COMMIT_S) == 500


def test_reading_goes_on_after_the_newest_position_that_is_old_enough() -> None:
    position = ReadPosition()
    for number in range(5):
        position.passed(100 * number, DEAD, now_s=10.0 * number)
    assert position.after(now_s=20.0 + LATE_COMMIT_S) == 200
    assert position.after(now_s=39.0 + LATE_COMMIT_S) == 300


def test_what_was_passed_over_for_a_topic_is_read_when_it_is_free() -> None:
    position = ReadPosition()
    position.passed(100, DEAD, now_s=0.0)
    position.passed(200, DEAD | {"slow"}, now_s=10.0)
    position.freed("slow")
    assert position.after(now_s=10.0 + LATE_COMMIT_S) == 100
    position.freed("dead")
    assert position.after(now_s=10.0 + LATE_COMMIT_S) == -1


def test_a_row_that_was_read_and_not_settled_is_read_again() -> None:
    position = ReadPosition()
    position.passed(100, DEAD, now_s=0.0)
    position.passed(200, DEAD, now_s=10.0)
    position.left(150)
    assert position.after(now_s=10.0 + LATE_COMMIT_S) == 100
    position.left(100)
    assert position.after(now_s=10.0 + LATE_COMMIT_S) == -1


def test_positions_are_kept_for_long_enough_however_often_one_looks() -> None:
    position = ReadPosition()
    for tenth in range(3000):
        position.passed(tenth, DEAD, now_s=tenth / 10)
    assert position.after(now_s=300.0) == 2900


def test_what_is_settled_is_known_whatever_is_passed_over_meanwhile() -> None:
    position = ReadPosition()
    assert position.settled(now_s=0.0) == -1
    position.passed(100, frozenset(), now_s=0.0)
    position.passed(200, DEAD, now_s=5.0)
    position.freed("dead")
    assert position.settled(now_s=LATE_COMMIT_S - 0.1) == -1
    assert position.settled(now_s=LATE_COMMIT_S) == 100
    assert position.after(now_s=5.0 + LATE_COMMIT_S) == 100


def test_all_is_looked_at_again_and_again_and_less_often_where_that_takes_long() -> None:
    position = ReadPosition()
    assert position.whole_is_due(now_s=0.0)
    position.looked_at_whole(now_s=0.0, took_s=0.1)
    assert not position.whole_is_due(now_s=WHOLE_LOOK_EVERY_S - 0.1)
    assert position.whole_is_due(now_s=WHOLE_LOOK_EVERY_S)
    position.looked_at_whole(now_s=100.0, took_s=10.0)
    assert not position.whole_is_due(now_s=299.0)
    assert position.whole_is_due(now_s=300.0)
