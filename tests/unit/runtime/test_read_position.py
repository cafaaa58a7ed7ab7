"""Reading goes on past rows that wait, forgets none that commits late, and none that was left."""

import random

import pytest

from paykit.kafka.read_position import Lane, ReadPosition

DEAD: Lane = ("dead.events", None)
STALLED: Lane = ("slow.events", 3)


def look(position: ReadPosition, *ids: int) -> None:
    """Look at all that is there, from the position on."""
    position.restart()
    position.looked(ids[-1] if ids else None, more=False)


def test_reading_starts_at_the_begin_until_nobody_can_add_smaller_ids() -> None:
    position = ReadPosition()
    look(position, 500)
    position.writing(["1/7", "2/9"])
    look(position, 600)
    position.writing(["2/9", "3/1"])
    look(position)
    assert position.cursor == -1
    position.writing(["3/1"])
    look(position)
    assert position.cursor == 500


def test_an_id_is_behind_once_a_look_began_after_its_writers_were_gone() -> None:
    position = ReadPosition()
    look(position, 500)
    position.restart()
    position.writing([])
    position.looked(None, more=False)
    assert position.cursor == -1  # What this look saw was decided before that was known.
    position.looked(None, more=False)
    assert position.cursor == 500


def test_reading_goes_on_in_pages_and_begins_again_at_the_end() -> None:
    position = ReadPosition()
    position.looked(1000, more=True)
    assert position.cursor == 1000
    position.looked(1700, more=False)
    assert position.cursor == -1


def test_what_was_passed_over_for_a_lane_is_read_when_it_is_free() -> None:
    position = ReadPosition()
    look(position, 900)
    position.writing([])
    position.restart()
    position.passed_over(STALLED, 300)
    position.passed_over(STALLED, 200)
    position.passed_over(DEAD, 100)
    position.looked(900, more=False)
    assert position.cursor == 900
    position.freed(("other.events", 1))
    assert position.cursor == 900
    position.freed(STALLED)
    assert position.cursor == 199
    position.freed(DEAD)
    assert position.cursor == 99


def test_a_row_that_was_read_and_not_settled_is_read_again() -> None:
    position = ReadPosition()
    look(position, 900)
    position.writing([])
    look(position)
    position.left(950)
    assert position.cursor == 900
    position.left(150)
    assert position.cursor == 149


def test_what_is_settled_is_less_than_all_that_waits_or_is_on_its_way() -> None:
    position = ReadPosition(40)
    assert position.cursor == position.settled_id([]) == 40
    look(position, 900)
    position.writing([])
    look(position)
    assert position.settled_id([]) == 900
    assert position.settled_id([700, 800]) == 699
    position.passed_over(DEAD, 100)
    assert position.settled_id([700]) == 99


def test_nobody_is_asked_for_writers_while_nothing_new_was_seen() -> None:
    position = ReadPosition()
    assert not position.waits_for_writers
    look(position, 10)
    assert position.waits_for_writers
    position.writing(["1/1"])
    assert position.waits_for_writers
    position.writing([])
    assert not position.waits_for_writers


@pytest.mark.parametrize("seed", range(20))
def test_every_row_is_read_whatever_commits_when(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - nothing is kept secret by it
    position, rows, given, gone = ReadPosition(), set[int](), 0, set[int]()
    open_ids: dict[str, int] = {}
    for number in range(400):
        if chance.random() < 0.6:
            given += 1
            open_ids[str(number)] = given
        for writer in [each for each in open_ids if chance.random() < 0.3]:
            rows.add(open_ids.pop(writer))
        if chance.random() < 0.3 and position.waits_for_writers:
            position.writing(list(open_ids))
        page = sorted(row for row in rows if row > position.cursor)[:3]
        gone.update(page)
        rows.difference_update(page)
        position.looked(page[-1] if page else None, more=len(page) == 3)
    rows.update(open_ids.values())
    while page := sorted(row for row in rows if row > position.cursor):
        gone.update(page)
        rows.difference_update(page)
        position.looked(page[-1], more=False)
    position.looked(None, more=False)
    gone.update(row for row in rows if row > position.cursor)
    assert gone == set(range(1, given + 1))
