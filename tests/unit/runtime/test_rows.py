"""Arrays for set-based statements, and the check behind them."""

from typing import NamedTuple

import pytest

from paykit.errors import InvariantError
from paykit.postgres.rows import columns, require_all_changed, texts_text


class Coin(NamedTuple):
    name: str
    worth: int


def test_rows_become_one_list_per_name_in_the_order_of_the_names() -> None:
    assert columns([Coin("dime", 10), Coin("cent", 1)], ("worth", "name")) == [[10, 1], ["dime", "cent"]]


def test_no_rows_are_empty_lists() -> None:
    assert columns([], ("worth", "name")) == [[], []]


def test_a_row_that_did_not_change_is_a_defect() -> None:
    with pytest.raises(InvariantError, match=r"^1 of 2 rows of coin changed$"):
        require_all_changed("coin", 1, 2)


def test_all_rows_changed_is_well() -> None:
    require_all_changed("coin", 2, 2)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([], "{}"),
        (["a", "b"], '{"a","b"}'),
        (["", "NULL", None], '{"","NULL",NULL}'),
        ([None, None], "{NULL,NULL}"),
        (["a,b", "{c}"], '{"a,b","{c}"}'),
        (['say "no"', "back\\slash", None], '{"say \\"no\\"","back\\\\slash",NULL}'),
    ],
)
def test_texts_are_written_as_one_array(texts: list[str | None], expected: str) -> None:
    assert texts_text(texts) == expected
