"""The SettlementService: messages to commands and queries, and back."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from google.api.httpbody_pb2 import HttpBody

from paykit import paging
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from paykit.serve.listing import cut, newest_page
from paykit.serve.reply_sizes import chunk_bytes
from paystream.settlement.v1 import settlement_pb2 as pb
from paystream.settlement.v1 import settlement_pb2_grpc
from services.settlement import domain, messages, store
from services.settlement.domain.lifecycle import SettlementAction
from services.settlement.domain.report import CsvWriter, JsonWriter, ReportWriter
from services.settlement.domain.settlement import Settlement
from services.settlement.store import ItemKey, PlacedItem

EXPORT_ITEMS = 500
"""Items read at once for a report."""


_WRITERS: dict[int, type[ReportWriter]] = {
    pb.EXPORT_FORMAT_UNSPECIFIED: CsvWriter,
    pb.EXPORT_FORMAT_CSV: CsvWriter,
    pb.EXPORT_FORMAT_JSON: JsonWriter,
}


class SettlementServicer(settlement_pb2_grpc.SettlementServiceServicer):
    """Serves paystream.settlement.v1.SettlementService; the contract stands in its proto."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def GetSettlement(self, request: pb.GetSettlementRequest, _context: Any) -> pb.GetSettlementResponse:
        """Read a settlement."""
        settlement = await self._runtime.read(lambda tx: _settlement(tx, request.settlement_id))
        return pb.GetSettlementResponse(settlement=messages.to_settlement(settlement))

    async def ListSettlements(self, request: pb.ListSettlementsRequest, _context: Any) -> pb.ListSettlementsResponse:
        """Read a page of a merchant's settlements."""
        page, token = await newest_page(
            self._runtime,
            request,
            store.settlements.list,
            wanted=messages.from_list(request),
            key=lambda settlement: (settlement.create_time, settlement.settlement_id),
            show=messages.to_settlement,
        )
        return pb.ListSettlementsResponse(settlements=page, next_page_token=token)

    async def ListSettlementItems(
        self, request: pb.ListSettlementItemsRequest, _context: Any
    ) -> pb.ListSettlementItemsResponse:
        """Read a page of items, of a settlement or of a transaction."""
        scope = ("ListSettlementItems", request.settlement_id, request.transaction_id)
        size = paging.page_size(request.page_size)
        after = _item_key(paging.decode_time_token(request.page_token, scope))
        items = await self._runtime.read(lambda tx: _items(tx, request, after, size + 1))
        page = cut(items, size=size, show=messages.to_item, bytes_max=self._runtime.reply_bytes_max)
        more = len(page) < len(items)
        token = paging.encode_time_token(_time_key(items[len(page) - 1].key), scope) if more else ""
        return pb.ListSettlementItemsResponse(items=page, next_page_token=token)

    async def GetPendingBalance(
        self, request: pb.GetPendingBalanceRequest, _context: Any
    ) -> pb.GetPendingBalanceResponse:
        """Read what awaits settlement."""
        balances = await self._runtime.read(
            lambda tx: store.settlements.pending_balances(tx, request.merchant_id, request.currency_code)
        )
        return pb.GetPendingBalanceResponse(balances=map(messages.to_pending, balances))

    async def ExportSettlement(
        self, request: pb.ExportSettlementRequest, _context: Any
    ) -> AsyncIterator[pb.ExportSettlementResponse]:
        """Stream a report; what is closed does not change, so its pages need no common snapshot."""
        settlement, homes = await self._runtime.read(lambda tx: _to_export(tx, request.settlement_id))
        writer = _WRITERS[request.format]()
        for chunk in self._chunks(writer, writer.begin(settlement)):
            yield chunk
        after: ItemKey | None = None
        while page := await self._runtime.read(_page_of(homes, after)):
            for chunk in self._chunks(writer, writer.items(settlement, [placed.item for placed in page])):
                yield chunk
            after = page[-1].key
        for chunk in self._chunks(writer, writer.end()):
            yield chunk

    def _chunks(self, writer: ReportWriter, text: str) -> Sequence[pb.ExportSettlementResponse]:
        data, size = text.encode(), chunk_bytes(self._runtime.reply_bytes_max)
        parts = [data[at : at + size] for at in range(0, len(data), size)]
        kind = writer.media_type
        return [pb.ExportSettlementResponse(document=HttpBody(content_type=kind, data=part)) for part in parts]


async def _settlement(tx: Tx, settlement_id: str) -> Settlement:
    settlement = await store.settlements.get(tx, settlement_id)
    if settlement is None:
        raise domain.settlement.not_found(settlement_id)
    return settlement


async def _items(tx: Tx, request: pb.ListSettlementItemsRequest, after: ItemKey | None, limit: int) -> list[PlacedItem]:
    if request.transaction_id:
        return await store.items_of_transaction(tx, request.transaction_id, after=after, limit=limit)
    await _settlement(tx, request.settlement_id)
    homes = await store.settlements.homes(tx, request.settlement_id)
    return await store.items_of_homes(tx, homes, after=after, limit=limit)


async def _to_export(tx: Tx, settlement_id: str) -> tuple[Settlement, list[str]]:
    settlement = await _settlement(tx, settlement_id)
    domain.lifecycle.next_state(settlement.state, SettlementAction.EXPORT)
    return settlement, await store.settlements.homes(tx, settlement_id)


def _page_of(homes: Sequence[str], after: ItemKey | None) -> Any:
    return lambda tx: store.items_of_homes(tx, homes, after=after, limit=EXPORT_ITEMS)


def _time_key(key: ItemKey) -> paging.TimeKey:
    """Put both ids into one, as page tokens of times have one."""
    return key[0], f"{key[1]} {key[2]}"


def _item_key(key: paging.TimeKey | None) -> ItemKey | None:
    if key is None:
        return None
    transaction_id, _, merchant_id = key[1].partition(" ")
    return key[0], transaction_id, merchant_id
