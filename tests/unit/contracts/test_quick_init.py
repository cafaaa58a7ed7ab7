"""Dataclasses that are made quickly are what they would be anyway, and as immutable."""

import copy
import dataclasses
import inspect
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paystream.quick_init import quick_init


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SlowBase:
    name: str
    worth: int = 5

    @property
    def double(self) -> int:
        return 2 * self.worth


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SlowCoin(SlowBase):
    mint: str | None = None
    marks: list[str] = dataclasses.field(default_factory=list)
    secret: str = dataclasses.field(default="", repr=False, compare=False)


@quick_init
@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class QuickCoin(SlowBase):
    mint: str | None = None
    marks: list[str] = dataclasses.field(default_factory=list)
    secret: str = dataclasses.field(default="", repr=False, compare=False)


values = st.fixed_dictionaries(
    {"name": st.text()},
    optional={
        "worth": st.integers(),
        "mint": st.none() | st.text(),
        "marks": st.lists(st.text()),
        "secret": st.text(),
    },
)


@given(values, values)
def test_what_is_made_quickly_is_as_what_is_made_slowly(first: dict[str, Any], second: dict[str, Any]) -> None:
    slow, quick, other = SlowCoin(**first), QuickCoin(**first), QuickCoin(**second)
    assert type(quick) is QuickCoin
    assert dataclasses.astuple(quick) == dataclasses.astuple(slow)
    assert repr(quick) == repr(slow).replace("SlowCoin", "QuickCoin")
    assert quick.double == slow.double
    assert (quick == other) == (slow == SlowCoin(**second))
    pickled = pickle.loads(pickle.dumps(quick))  # noqa: S301 - of this test
    for duplicate in (copy.deepcopy(quick), pickled, dataclasses.replace(quick)):
        assert dataclasses.astuple(duplicate) == dataclasses.astuple(slow)
    replaced = dataclasses.replace(quick, name="penny")
    assert dataclasses.astuple(replaced) == dataclasses.astuple(dataclasses.replace(slow, name="penny"))


def test_it_cannot_be_changed() -> None:
    coin = QuickCoin(name="dime")
    with pytest.raises(dataclasses.FrozenInstanceError):
        coin.name = "cent"  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        del coin.name
    assert coin.name == "dime"


def test_defaults_of_factories_are_made_anew() -> None:
    assert QuickCoin(name="dime").marks is not QuickCoin(name="cent").marks


@pytest.mark.parametrize("arguments", [{}, {"name": "dime", "colour": "grey"}])
def test_wrong_arguments_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=r"name|colour"):
        QuickCoin(**arguments)


def test_what_makes_it_says_its_parameters() -> None:
    assert str(inspect.signature(QuickCoin)).replace("QuickCoin", "SlowCoin") == str(inspect.signature(SlowCoin))


def test_a_subclass_is_made_as_itself() -> None:
    class Medal(QuickCoin):
        pass

    @dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
    class Token(QuickCoin):
        place: str

    medal, token = Medal(name="gold"), Token(name="bus", place="Bern")
    assert (type(medal), medal.name, medal.worth) == (Medal, "gold", 5)
    assert (type(token), token.name, token.place) == (Token, "bus", "Bern")


@dataclasses.dataclass(slots=True, kw_only=True)
class Unfrozen:
    name: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Slotless:
    name: str


@dataclasses.dataclass(frozen=True, slots=True)
class Positional:
    name: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    name: str

    def __post_init__(self) -> None:
        assert self.name


@pytest.mark.parametrize("cls", [Unfrozen, Slotless, Positional, Checked, int])
def test_other_classes_are_refused(cls: type) -> None:
    with pytest.raises(TypeError):
        quick_init(cls)
