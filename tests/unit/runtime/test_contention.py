"""Which items wait for rows that are held."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pytest

from paykit.postgres.contention import RowsLockedError, names_in
from paykit.work import Rows


class Reason(StrEnum):
    ASKED_FOR = "ASKED_FOR"


@dataclass(frozen=True)
class Refund:
    payment_id: str
    amount_minor: int
    reason: Reason = Reason.ASKED_FOR


@dataclass(frozen=True)
class Told:
    refunds: tuple[Refund, ...]


@dataclass(frozen=True)
class Payment:
    payment_id: str
    merchant_id: str
    currency_code: str


class Payments:
    def key_of(self, row: Payment, /) -> str:
        return row.payment_id

    async def insert(self, tx: Any, rows: Any, /) -> None: ...

    async def update(self, tx: Any, rows: Any, /) -> None: ...


def test_names_are_the_texts_of_an_item_however_deep_they_stand() -> None:
    assert set(names_in(Told((Refund("pay_1", 5), Refund("pay_2", 6))))) == {"pay_1", "pay_2", "ASKED_FOR"}
    assert set(names_in("pay_1")) == {"pay_1"}
    assert set(names_in(17)) == set()


@pytest.mark.parametrize(("payment_id", "waits_for"), [("pay_1", ("pay_1",)), ("pay_2", None)])
def test_an_item_waits_for_a_row_that_it_names(payment_id: str, waits_for: tuple[str] | None) -> None:
    assert RowsLockedError("payment", [("pay_1",), ("pay_9",)]).awaited_by(Refund(payment_id, 5)) == waits_for


@pytest.mark.parametrize(("payment_id", "waits_for"), [("pay_1", ("mer_1", "USD")), ("pay_2", None), ("pay_3", None)])
def test_an_item_waits_for_a_row_that_a_row_names_which_it_names_itself(
    payment_id: str, waits_for: tuple[str, str] | None
) -> None:
    payments = Rows(Payments(), {"pay_1": Payment("pay_1", "mer_1", "USD"), "pay_2": Payment("pay_2", "mer_1", "JPY")})
    assert RowsLockedError("funds", [("mer_1", "USD")], [payments]).awaited_by(Refund(payment_id, 5)) == waits_for


def test_a_row_whose_key_is_a_number_is_named_by_nobody() -> None:
    assert RowsLockedError("line", [(17,)]).awaited_by(Refund("pay_1", 17)) is None
