"""Pages of any sizes add up to the whole list, each row exactly once, and none is larger than a reply may be."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paykit.base.errors import ReplyTooLarge
from paykit.paging import TimeKey
from paykit.serve.listing import newest_page, page_by_key
from paykit.serve.reply_sizes import REST_BYTES_MAX
from paystream.payment.v1 import payment_pb2 as pb

BYTES_MAX = 64 * 1024
ROW_BYTES_MAX = BYTES_MAX - REST_BYTES_MAX
START = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Row:
    number: int
    size: int

    @property
    def key(self) -> TimeKey:
        """Three rows in a row have one time."""
        return START - timedelta(seconds=self.number // 3), f"{999_999 - self.number}"


class Reader:
    """What a list is read from, and how many rows each query asked for."""

    reply_bytes_max = BYTES_MAX

    async def read(self, query: Callable[[Any], Awaitable[Any]]) -> Any:
        return await query(None)


def of(rows: Sequence[Row]) -> Any:
    async def query(_tx: Any, _wanted: Any, /, *, after: TimeKey | None, limit: int) -> list[Row]:
        return [row for row in rows if after is None or row.key < after][:limit]

    return query


def of_numbers(rows: Sequence[Row]) -> Any:
    async def query(_tx: Any, _wanted: Any, /, *, after: int | None, limit: int) -> list[Row]:
        return [row for row in rows if after is None or row.number > after][:limit]

    return query


def shown(row: Row) -> pb.Payment:
    """A message of as many bytes as the row says, its id among them."""
    message = pb.Payment(payment_id=f"{row.number:06d}")
    message.failure_code = "x" * max(0, row.size - message.ByteSize() - 4)
    return message


async def whole(rows: Sequence[Row], size: int) -> list[list[str]]:
    """Turn pages to the end; give the ids of each."""
    pages, request = [], pb.ListPaymentsRequest(page_size=size)
    while True:
        page, request.page_token = await newest_page(
            Reader(), request, of(rows), wanted="all", key=lambda row: row.key, show=shown
        )
        assert pb.ListPaymentsResponse(payments=page, next_page_token=request.page_token).ByteSize() <= BYTES_MAX
        pages.append([payment.payment_id for payment in page])
        if not request.page_token:
            return pages


def rows_of(sizes: Sequence[int]) -> list[Row]:
    return [Row(number, size) for number, size in enumerate(sizes)]


@given(
    sizes=st.lists(st.sampled_from([20, 200, 9_000, 25_000, ROW_BYTES_MAX - 20]), max_size=40),
    size=st.sampled_from([0, 1, 2, 7, 1_000]),
)
async def test_pages_of_any_sizes_add_up_to_the_whole_list_exactly_once(sizes: list[int], size: int) -> None:
    pages = await whole(rows_of(sizes), size)
    assert [payment_id for page in pages for payment_id in page] == [f"{number:06d}" for number in range(len(sizes))]
    assert all(pages) or pages == [[]]
    assert all(len(page) <= (size or 50) for page in pages)


@given(sizes=st.lists(st.sampled_from([20, 25_000]), max_size=30), size=st.sampled_from([0, 2, 1_000]))
async def test_so_do_pages_of_a_list_in_the_order_of_a_key(sizes: list[int], size: int) -> None:
    rows, seen, request = rows_of(sizes), [], pb.ListPaymentsRequest(page_size=size)
    while True:
        page, request.page_token = await page_by_key(
            Reader(), request, of_numbers(rows), wanted="all", key=lambda row: row.number, kind=int, show=shown
        )
        seen += [payment.payment_id for payment in page]
        if not request.page_token:
            break
    assert seen == [f"{number:06d}" for number in range(len(sizes))]


async def test_a_page_ends_before_the_row_that_does_not_fit() -> None:
    # 61,440 bytes are left for rows: two of 25,008 with their frames fit, a third does not.
    assert [len(page) for page in await whole(rows_of([25_000] * 5), 1_000)] == [2, 2, 1]


async def test_a_single_row_above_the_limit_is_refused_by_name() -> None:
    with pytest.raises(ReplyTooLarge) as refused:
        await whole(rows_of([20, BYTES_MAX]), 1)
    assert refused.value.metadata["reply_bytes_max"] == "65536"
