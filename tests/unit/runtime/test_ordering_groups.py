"""A batch is cut into few groups of one kind each, and no event passes an earlier one of its key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paykit.consume.ordering_groups import cut

ITEMS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("XYZ")), max_size=40)


@pytest.mark.parametrize(
    ("items", "groups"),
    [
        ("", []),
        ("aX bX cX", ["X:aX bX cX"]),
        ("aX aX aX", ["X:aX aX aX"]),
        ("aX aY", ["X:aX", "Y:aY"]),
        ("aX aY aX", ["X:aX", "Y:aY", "X:aX"]),
        ("aX bY aY bX", ["X:aX", "Y:bY", "Y:aY", "X:bX"]),
        ("aX bX aY bY aY", ["X:aX bX", "Y:aY bY aY"]),
        ("aX aY bY", ["X:aX", "Y:bY", "Y:aY"]),
    ],
)
def test_an_event_has_its_turn_after_the_earlier_ones_of_its_key_of_another_kind(items: str, groups: list[str]) -> None:
    ordering_groups = cut((item[0], item[1], item) for item in items.split())
    assert [f"{kind}:{' '.join(group)}" for kind, group in ordering_groups] == groups


@given(ITEMS)
def test_nothing_is_lost_and_the_order_of_each_key_holds(items: list[tuple[str, str]]) -> None:
    ordering_groups = cut((key, kind, (key, kind, n)) for n, (key, kind) in enumerate(items))
    flat = [item for _, group in ordering_groups for item in group]
    for wanted in "abc":
        expected = [(key, kind, n) for n, (key, kind) in enumerate(items) if key == wanted]
        assert [item for item in flat if item[0] == wanted] == expected


@given(ITEMS)
def test_a_group_is_of_one_kind(items: list[tuple[str, str]]) -> None:
    for kind, group in cut((key, kind, kind) for key, kind in items):
        assert set(group) == {kind}
