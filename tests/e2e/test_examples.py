"""The examples for teams in other languages: each is built from the contracts alone, creates payments and
reads what became of them."""

import asyncio
import copy
import io
import uuid
from typing import Any

import fastavro
import pytest

from paykit.base.errors import UnavailableError
from paykit.events import goldens as contract_goldens
from paykit.events import schema_files
from paykit.events.registry import RegistryClient
from paykit.kafka.client import Producer
from paykit.testing import hosts
from paykit.testing.fake_server import Result, fake_server
from paystream.payment.v1 import payment_pb2
from paytools.localstack import Endpoints
from tests.e2e.conftest import Line
from tests.line.clients import first_payment, new_merchant, payment_request
from tests.line.example_programs import EXAMPLES, Program, built

CREATE = "paystream.payment.v1.PaymentService/CreatePayment"
PAYMENT = "pay_0192f5d0c0de70008000000000000002"
CAPTURE = "cap_0192f5d0c0de70008000000000000003"
MERCHANT = "mer_0192f5d0c0de70008000000000000001"
AMOUNT_MAX = 2**53 - 1

pytestmark = pytest.mark.timeout(1_800)  # A first build fetches packages.


@pytest.fixture(scope="module", params=EXAMPLES)
def program(request: pytest.FixtureRequest) -> Program:
    return built(request.param)


def settings(stack: Endpoints, prefix: str) -> dict[str, str]:
    return {
        "KAFKA_BOOTSTRAP": stack.kafka,
        "REGISTRY_URL": stack.registry,
        "TOPIC_PREFIX": prefix,
        "GROUP": f"{prefix}{uuid.uuid4().hex}",
    }


def newest(topic: str, record: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give the schema and the values of the newest golden of a record."""
    root = schema_files.schema_root()
    file = next(file for file in schema_files.newest(root) if (file.topic, file.record) == (topic, record))
    golden = next(
        found
        for found in contract_goldens.load_all(root)
        if (found.record, found.version) == (file.full_name, file.version)
    )
    return copy.deepcopy(file.schema), dict(golden.value)


def with_symbol(schema: dict[str, Any], field: str, symbol: str) -> dict[str, Any]:
    """Give what a schema's next version may look like: another symbol, and a field more."""
    next(inner for inner in schema["fields"] if inner["name"] == field)["type"]["symbols"].append(symbol)
    schema["fields"].append({"name": "note", "type": ["null", "string"], "default": None, "doc": "A note."})
    return schema


@pytest.fixture(scope="module")
async def prefix(stack: Endpoints) -> str:
    """Put events of old and future versions, one repeated and one of an unknown type, on topics of the test's own."""
    prefix = hosts.new_prefix()
    await hosts.lay_contracts(stack, prefix, names=["payment.events", "accounting.events"])
    paid, paid_values = newest("payment.events", "PaymentSuccess")
    failed, failed_values = newest("payment.events", "PaymentFailed")
    booked, booked_values = newest("accounting.events", "TransactionCreated")
    first = schema_files.load(schema_files.schema_root() / "payment.events" / "PaymentSuccess" / "1.avsc").schema
    teleported = {**copy.deepcopy(failed), "name": "PaymentTeleported"}
    largest = {"event_id": "evt_2", "amount_minor": AMOUNT_MAX, "method": "SHELLS"}
    events: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        ("payment.events", first, {**paid_values, "event_id": "evt_1"}),
        ("payment.events", first, {**paid_values, "event_id": "evt_1"}),
        ("payment.events", teleported, {**failed_values, "event_id": "evt_0"}),
        ("payment.events", with_symbol(paid, "method", "SHELLS"), {**paid_values, **largest}),
        (
            "payment.events",
            with_symbol(failed, "reason", "BORED"),
            {**failed_values, "event_id": "evt_3", "reason": "BORED"},
        ),
        ("accounting.events", booked, {**booked_values, "event_id": "evt_4"}),
    ]
    producer = Producer(stack.kafka, client_id="test")
    async with RegistryClient(stack.registry) as registry:
        for topic, schema, values in events:
            subject = f"{prefix}{topic}-{schema['namespace']}.{schema['name']}"
            schema_id = await registry.register(subject, schema_files.registry_text(schema))
            body = io.BytesIO()
            fastavro.schemaless_writer(body, fastavro.parse_schema(copy.deepcopy(schema)), dict(values))
            message = b"\0" + schema_id.to_bytes(4) + body.getvalue()
            producer.produce(topic=prefix + topic, key=PAYMENT, value=message, headers=[])
    await asyncio.to_thread(producer.wait_acknowledged)
    assert producer.error is None
    return prefix


def test_a_consumer_reads_old_and_future_versions_and_the_largest_amount(
    program: Program, stack: Endpoints, prefix: str
) -> None:
    assert program.consume(settings(stack, prefix), count=4) == [
        f"PaymentFailed {PAYMENT} UNKNOWN",
        f"PaymentSuccess {PAYMENT} 1234 USD CARD",
        f"PaymentSuccess {PAYMENT} 9007199254740991 USD UNKNOWN",
        f"TransactionCreated {CAPTURE} merchant.settlement=1168 platform.fees=66 platform.income=1234",
    ]


def test_a_client_tries_again_with_the_same_request_id(program: Program) -> None:
    request_id = str(uuid.uuid4())
    made = payment_pb2.CreatePaymentResponse(payment=payment_pb2.Payment(payment_id=PAYMENT))
    outcomes: list[Result] = [UnavailableError("restarting"), made]
    with fake_server({CREATE: lambda _: outcomes.pop(0)}) as fake:
        done = program.call(fake.address, MERCHANT, "order-1", "1234", "USD", request_id)
        assert (done.returncode, done.stdout) == (0, f"{PAYMENT}\n"), done.stderr
        first, second = fake.requests[CREATE]
    assert first == second
    assert (first.request_id, first.amount.amount_minor, first.amount.currency_code) == (request_id, 1234, "USD")


@pytest.fixture(scope="module")
async def merchant_id(line: Line) -> str:
    """A merchant that payment knows, as it has taken a first payment."""
    merchant_id = await new_merchant(line.clients, {"USD": (290, 30)})
    await first_payment(line.clients, payment_request(merchant_id, 100))
    return merchant_id


@pytest.fixture(scope="module")
def created() -> list[str]:
    """The payments that the clients have created so far."""
    return []


async def test_a_payment_that_a_client_creates_is_read_from_both_topics(
    program: Program, line: Line, stack: Endpoints, merchant_id: str, created: list[str]
) -> None:
    address = line.settings.grpc_address
    arguments = (merchant_id, uuid.uuid4().hex, "1234", "USD", str(uuid.uuid4()))
    done = await asyncio.to_thread(program.call, address, *arguments)
    assert done.returncode == 0, done.stderr
    again = await asyncio.to_thread(program.call, address, *arguments)
    assert again.stdout == done.stdout
    refused = await asyncio.to_thread(program.call, address, merchant_id, "other", "1234", "XXX", str(uuid.uuid4()))
    assert (refused.returncode, refused.stderr.split()[-1]) == (1, "CURRENCY_UNKNOWN")
    created.append(done.stdout.strip())
    given, count = settings(stack, line.settings.topic_prefix), 2 * (1 + len(created))
    lines = await asyncio.to_thread(program.consume, given, count=count)
    # 2.9 % of 12.34 is 0.36, and 0.30; 2.9 % of 1.00 is 0.03, and 0.30.
    assert {line.split()[1] for line in lines if "PaymentSuccess" in line and " 1234 USD CARD" in line} == set(created)
    assert sorted(line.split(maxsplit=2)[2] for line in lines if "TransactionCreated" in line) == sorted(
        [
            "merchant.settlement=67 platform.fees=33 platform.income=100",
            *["merchant.settlement=1168 platform.fees=66 platform.income=1234"] * len(created),
        ]
    )
