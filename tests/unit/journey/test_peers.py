"""What is asked of the other services: no more than is wanted, and nobody twice who is away."""

from typing import Any

import grpc
import pytest

from paykit.testing.runtimes import act_as
from paystream.journey.v1 import journey_pb2 as pb
from paystream.payment.v1 import payment_pb2
from services.journey.peers.calls import Peers


class Payments:
    """A payment service of five payments, or one that answers with an error."""

    def __init__(self, code: grpc.StatusCode | None = None) -> None:
        self._code = code
        self.asked = 0

    def unary_unary(self, path: str, **_: Any) -> Any:
        """Stand for a channel on which all that is called is ListPayments."""
        assert path == "/paystream.payment.v1.PaymentService/ListPayments"
        return self._list_payments

    async def _list_payments(self, request: Any, *, timeout: float, metadata: Any) -> Any:  # noqa: ASYNC109
        self.asked += 1
        assert 0 < timeout <= 2
        assert ("paystream-caller", "tester") in metadata
        if self._code is not None:
            empty = grpc.aio.Metadata()
            raise grpc.aio.AioRpcError(self._code, empty, empty)
        first = int(request.page_token or 0)
        rows = [payment_pb2.Payment(payment_id=f"pay_{i}") for i in range(first, min(first + request.page_size, 5))]
        following = first + len(rows)
        return payment_pb2.ListPaymentsResponse(payments=rows, next_page_token=str(following) if following < 5 else "")


def peers_of(payments: Any) -> Peers:
    return Peers({"payment": payments})


async def listed(peers: Peers, limit: int) -> list[str]:
    act_as("tester")
    rows = await peers.rows(
        payment_pb2.ListPaymentsRequest(),
        payment_pb2.ListPaymentsResponse,
        rows_of=lambda page: page.payments,
        limit=limit,
    )
    return [row.payment_id for row in rows]


async def test_a_list_is_read_to_its_end() -> None:
    peers = peers_of(Payments())
    assert await listed(peers, 100) == [f"pay_{i}" for i in range(5)]
    assert not peers.truncated


async def test_a_list_that_is_longer_than_wanted_is_cut_and_says_so() -> None:
    peers = peers_of(Payments())
    assert await listed(peers, 2) == ["pay_0", "pay_1"]
    assert peers.truncated


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (grpc.StatusCode.UNAVAILABLE, pb.ABSENCE_REASON_UNREACHABLE),
        (grpc.StatusCode.DEADLINE_EXCEEDED, pb.ABSENCE_REASON_UNREACHABLE),
        (grpc.StatusCode.INTERNAL, pb.ABSENCE_REASON_FAILED),
    ],
)
async def test_who_is_away_is_named_and_not_asked_again(code: grpc.StatusCode, reason: Any) -> None:
    payments = Payments(code)
    peers = peers_of(payments)
    assert await listed(peers, 100) == await listed(peers, 100) == []
    assert (peers.absent, payments.asked) == ({"payment": reason}, 1)


async def test_who_has_no_such_thing_is_not_away() -> None:
    payments = Payments(grpc.StatusCode.NOT_FOUND)
    peers = peers_of(payments)
    assert await listed(peers, 100) == []
    assert peers.absent == {}


async def test_who_has_no_address_is_named() -> None:
    peers = Peers({})
    assert await listed(peers, 100) == []
    assert peers.absent == {"payment": pb.ABSENCE_REASON_NO_ADDRESS}


async def test_what_is_not_found_is_no_answer() -> None:
    act_as("tester")
    peers = peers_of(Payments(grpc.StatusCode.NOT_FOUND))
    assert await peers.ask(payment_pb2.ListPaymentsRequest(), payment_pb2.ListPaymentsResponse) is None
    assert peers.absent == {}
