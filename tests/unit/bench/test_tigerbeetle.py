"""What is asked of TigerBeetle, and that a figure stands only for what it has booked."""

import enum
import itertools
from types import SimpleNamespace
from typing import Any, Self

import pytest

from bench.peers import tigerbeetle


class Status(enum.IntEnum):
    CREATED = 0xFFFFFFFF
    EXCEEDS_CREDITS = 54


class Cluster:
    """Answers as a client does; refuses the transfer that a test names."""

    def __init__(self, refused: int | None = None) -> None:
        self.refused = refused
        self.accounts: list[Any] = []
        self.batches: list[list[Any]] = []

    def module(self) -> SimpleNamespace:
        numbers = itertools.count(1)
        return SimpleNamespace(
            ClientSync=lambda **_: self,
            Account=SimpleNamespace,
            Transfer=SimpleNamespace,
            TransferFlags=SimpleNamespace(LINKED=1),
            CreateAccountStatus=Status,
            CreateTransferStatus=Status,
            id=lambda: next(numbers),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to close."""

    def create_accounts(self, accounts: list[Any]) -> list[Any]:
        self.accounts = accounts
        return [SimpleNamespace(status=Status.CREATED) for _ in accounts]

    def create_transfers(self, transfers: list[Any]) -> list[Any]:
        self.batches.append(transfers)
        wrong = [Status.EXCEEDS_CREDITS if each.id == self.refused else Status.CREATED for each in transfers]
        return [SimpleNamespace(status=status) for status in wrong]


def test_a_payment_is_two_linked_transfers_of_its_merchant() -> None:
    cluster = Cluster()
    assert tigerbeetle.book(cluster.module(), "address", payments=2_000, merchants=3) > 0
    assert [account.id for account in cluster.accounts] == [1, 2, 3, 4, 5]
    assert [len(batch) for batch in cluster.batches] == [2_000, 2_000]
    first, fee, second, _ = cluster.batches[0][:4]
    assert (first.debit_account_id, first.credit_account_id, first.amount, first.flags) == (1, 3, 1_000, 1)
    assert (fee.debit_account_id, fee.credit_account_id, fee.amount) == (3, 2, 30)
    assert not hasattr(fee, "flags"), "the last of a chain is not linked to the next payment"
    assert second.credit_account_id == 4
    assert len({each.id for batch in cluster.batches for each in batch}) == 4_000


def test_a_refused_transfer_gives_no_figure() -> None:
    with pytest.raises(tigerbeetle.PeerError, match="2000 of 2000 were answered, 1 refused"):
        tigerbeetle.book(Cluster(refused=7).module(), "address", payments=1_000, merchants=3)
