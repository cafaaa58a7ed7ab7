"""Every list of protos/ is served by indexes, whatever it is filtered by: none is forgotten."""

import importlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import pytest
from google.protobuf.descriptor import FileDescriptor, MethodDescriptor

import paystream
from paykit.postgres.database import Tx
from tests.conftest import RuntimeOf
from tests.integration.list_plans import READS_WHOLE, assert_served, fill, nodes
from tests.integration.list_queries import LIST_QUERIES
from tests.integration.list_tables import LIST_TABLES
from tests.integration.order import test_list_plans as of_orders
from tests.integration.payment import test_list_plans as of_payments
from tests.integration.settlement import test_list_plans as of_settlements
from tests.integration.withdrawal import test_list_plans as of_withdrawals

ROWS = 3_000

ELSEWHERE: Mapping[str, Callable[..., Any]] = {
    "order.v1.OrderService/ListOrders": of_orders.test_every_filter_of_orders_is_served_by_an_index,
    "payment.v1.PaymentService/ListPayments": of_payments.test_every_filter_of_payments_is_served_by_an_index,
    "payment.v1.PaymentService/ListRefunds": of_payments.test_every_filter_of_refunds_is_served_by_an_index,
    "payment.v1.PaymentService/ListDisputes": of_payments.test_every_filter_of_disputes_is_served_by_an_index,
    "payment.v1.PaymentOperationsService/ListDisputesToAnswer": (
        of_payments.test_disputes_to_answer_are_read_in_the_order_of_their_times
    ),
    "payment.v1.PaymentOperationsService/ListPaymentsByChannelReference": (
        of_payments.test_payments_are_found_by_what_a_channel_calls_them
    ),
    "settlement.v1.SettlementService/ListSettlements": (
        of_settlements.test_every_filter_of_settlements_is_served_by_an_index
    ),
    "settlement.v1.SettlementOperationsService/ListSettlementsByState": (
        of_settlements.test_every_filter_of_settlements_is_served_by_an_index
    ),
    "withdrawal.v1.WithdrawalService/ListWithdrawals": (
        of_withdrawals.test_every_filter_of_withdrawals_is_served_by_an_index
    ),
    "withdrawal.v1.WithdrawalOperationsService/ListWithdrawalsToDecide": (
        of_withdrawals.test_every_filter_of_withdrawals_is_served_by_an_index
    ),
    "withdrawal.v1.WithdrawalOperationsService/ListBlockedWithdrawals": (
        of_withdrawals.test_every_filter_of_withdrawals_is_served_by_an_index
    ),
}
WITHOUT_TABLES = {"notification.v1.NotificationOperationsService/ListTemplates"}
"""Of what ships with the service."""

OTHER_NAMES = {
    ("ListMerchantsRequest", "state"): "status",
}
"""Fields whose column has another name."""
NO_FILTERS = {"page_size", "page_token", "order_by"}


def protos() -> list[FileDescriptor]:
    """Every file of protos/, as generated."""
    [folder] = paystream.__path__
    modules = sorted(Path(folder).glob("*/v1/*_pb2.py"))
    return [
        importlib.import_module(f"paystream.{each.parent.parent.name}.v1.{each.stem}").DESCRIPTOR for each in modules
    ]


def lists() -> dict[str, MethodDescriptor]:
    """Every list, by its service without the package's first name, and its own name."""
    services = [service for file in protos() for service in file.services_by_name.values()]
    return {
        f"{service.full_name.removeprefix('paystream.')}/{method.name}": method
        for service in services
        for method in service.methods
        if method.name.startswith("List")
    }


def test_every_list_has_its_case_and_every_case_its_list() -> None:
    cases = {name.partition(" ")[0] for name in LIST_TABLES} | {*LIST_QUERIES, *ELSEWHERE, *WITHOUT_TABLES}
    assert cases == set(lists())


@pytest.mark.parametrize("name", [name for name in LIST_TABLES if " " not in name])
def test_every_filter_of_a_request_has_a_value_in_its_case(name: str) -> None:
    request = lists()[name].input_type
    fields = {field.name for field in request.fields} - NO_FILTERS
    assert {OTHER_NAMES.get((request.name, field), field) for field in fields} == set(LIST_TABLES[name].values)


@pytest.mark.parametrize("name", LIST_TABLES)
async def test_every_filter_is_served_by_an_index(name: str, runtime_of: RuntimeOf, admin_url: str) -> None:
    case = LIST_TABLES[name]
    await fill(admin_url, f"{case.service.name}.{case.walk.table.name}", ROWS, **case.rows)
    await assert_served(
        await runtime_of(case.service),
        case.walk,
        case.base,
        indexes=case.indexes,
        values=case.values,
        without=case.without,
    )


class Recorded:
    """A transaction that keeps the statements that read."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self.statements: list[tuple[str, int]] = []

    async def fetch(self, sql: str, *args: Any) -> Any:
        self._keep(sql, args)
        return await self._tx.fetch(sql, *args)

    async def look(self, sql: str, *args: Any) -> Any:
        self._keep(sql, args)
        return await self._tx.look(sql, *args)

    def _keep(self, sql: str, args: tuple[Any, ...]) -> None:
        if sql.lstrip().startswith(("SELECT", "WITH")):
            self.statements.append((sql, len(args)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tx, name)


@pytest.mark.parametrize("name", LIST_QUERIES)
async def test_no_page_reads_a_table_whole(name: str, runtime_of: RuntimeOf, admin_url: str) -> None:
    case = LIST_QUERIES[name]
    for table, rows in case.tables.items():
        await fill(admin_url, f"{case.service.name}.{table}", ROWS, **rows)
    runtime = await runtime_of(case.service)

    async def plans(tx: Tx, at: int) -> list[Mapping[str, Any]]:
        recorded = Recorded(tx)
        await case.reads[at](cast("Tx", recorded))
        found: list[Mapping[str, Any]] = []
        for sql, arguments in recorded.statements:
            await tx.fetch(f"PREPARE listing AS {sql}")
            values = f"({', '.join(['null'] * arguments)})" if arguments else ""
            [row] = await tx.fetch(f"EXPLAIN (FORMAT JSON) EXECUTE listing {values}")
            await tx.fetch("DEALLOCATE listing")
            found += nodes(json.loads(row[0])[0]["Plan"])
        return found

    assert len(case.reads) == len(case.indexes)
    for at, indexes in enumerate(case.indexes):
        steps = await runtime.read(lambda tx: plans(tx, at))  # noqa: B023
        assert indexes <= {step["Index Name"] for step in steps if "Index Name" in step}, (at, steps)
        kinds = {step["Node Type"] for step in steps}
        sorting = {"Sort", "Incremental Sort"}
        assert not kinds & (READS_WHOLE - (sorting if case.sorts else set()) - {"Bitmap Heap Scan"}), (at, steps)
