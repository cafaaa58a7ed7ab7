"""What is asked of the other services: no more than is wanted, and nobody twice who is away."""

from types import SimpleNamespace
from typing import Any

import grpc
import pytest

from paykit.testing.runtimes import act_as
from paystream.journey.v1 import journey_pb2 as pb
from paystream.payment.v1 import payment_pb2
from services.order.domain import OrderNotFound
from services.order.journey_peers import Own, Peers


class Payments:
    """A payment service of five payments, or one that answers with an error."""

    def __init__(self, code: grpc.StatusCode | None = None) -> None:
        self._code = code
        self.asked = 0

    async def ListPayments(self, request: Any, *, timeout: float, metadata: Any) -> Any:  # noqa: ASYNC109, N802
        self.asked += 1
        assert 0 < timeout <= 2
        assert ("paystream-caller", "tester") in metadata
        if self._code is not None:
            empty = grpc.aio.Metadata()
            raise grpc.aio.AioRpcError(self._code, empty, empty)
        first = int(request.page_token or 0)
        rows = [payment_pb2.Payment(payment_id=f"pay_{i}") for i in range(first, min(first + request.page_size, 5))]
        after = first + len(rows)
        return payment_pb2.ListPaymentsResponse(payments=rows, next_page_token=str(after) if after < 5 else "")


async def listed(peers: Peers, limit: int) -> list[str]:
    act_as("tester")
    rows = await peers.rows("payment", "ListPayments", payment_pb2.ListPaymentsRequest(), "payments", limit=limit)
    return [row.payment_id for row in rows]


async def test_a_list_is_read_to_its_end() -> None:
    peers = Peers({"payment": Payments()})
    assert await listed(peers, 100) == [f"pay_{i}" for i in range(5)]
    assert not peers.truncated


async def test_a_list_that_is_longer_than_wanted_is_cut_and_says_so() -> None:
    peers = Peers({"payment": Payments()})
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
    peers = Peers({"payment": payments})
    assert await listed(peers, 100) == await listed(peers, 100) == []
    assert (peers.absent, payments.asked) == ({"payment": reason}, 1)


async def test_who_has_no_such_thing_is_not_away() -> None:
    payments = Payments(grpc.StatusCode.NOT_FOUND)
    peers = Peers({"payment": payments})
    assert await listed(peers, 100) == []
    assert peers.absent == {}


async def test_who_has_no_address_is_named() -> None:
    peers = Peers({})
    assert await listed(peers, 100) == []
    assert peers.absent == {"payment": pb.ABSENCE_REASON_NO_ADDRESS}


async def test_what_this_process_itself_does_not_find_is_no_answer() -> None:
    async def refuse(_request: Any, _context: Any) -> Any:
        raise OrderNotFound("No order has this id.")

    act_as("tester")
    peers = Peers({"order": Own(SimpleNamespace(GetOrder=refuse))})
    assert await peers.ask("order", "GetOrder", None) is None
    assert peers.absent == {}
