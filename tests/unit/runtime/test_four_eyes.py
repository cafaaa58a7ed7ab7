"""Two people are two, however their names are written."""

import pytest

from paykit.base.four_eyes import same_person


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("ann", "ann"),
        ("ann", "Ann"),
        ("ann", " ANN\t"),
        ("Straße", "STRASSE"),
        ("ann", "\uff41\uff4e\uff4e"),
        ("", " "),
    ],
)
def test_one_person_is_one_however_the_name_is_written(name: str, other: str) -> None:
    assert same_person(name, other)


@pytest.mark.parametrize(("name", "other"), [("ann", "bob"), ("ann", "an n"), ("ann", "anna")])
def test_two_people_are_two(name: str, other: str) -> None:
    assert not same_person(name, other)
