"""Refusals are values: compared by what they say, wherever they were made."""

import pytest

from paykit.errors import CurrencyUnknown, DomainError, FieldInvalid, Kind


def a_refusal(**changes: str) -> DomainError:
    given = {"message": "no", "field": "amount", "limit": "5"} | changes
    return FieldInvalid(given.pop("message"), field=given.pop("field"), **given)


def test_a_refusal_says_why_where_and_with_which_facts() -> None:
    error = a_refusal()
    assert (error.kind, error.reason, error.message) == (Kind.INVALID_ARGUMENT, "FIELD_INVALID", "no")
    assert (error.field, error.metadata, str(error)) == ("amount", {"limit": "5"}, "no")


def test_equal_refusals_are_one_in_a_set() -> None:
    assert a_refusal() == a_refusal()
    assert len({a_refusal(), a_refusal()}) == 1


@pytest.mark.parametrize("changes", [{"message": "yes"}, {"field": "fee"}, {"limit": "6"}])
def test_refusals_that_say_something_else_differ(changes: dict[str, str]) -> None:
    assert a_refusal() != a_refusal(**changes)


def test_refusals_of_two_classes_differ() -> None:
    assert FieldInvalid("no") != CurrencyUnknown("no")
    assert FieldInvalid("no") != ValueError("no")
