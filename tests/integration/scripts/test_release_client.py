"""The wheel paystream-client, installed into an environment that has what it needs and nothing else."""

import re
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from paykit.events import schema_files
from tests.line import client_environment

ROOT = Path(__file__).parents[3]
STEP_S_MAX = 180
PROTOVALIDATE_NEEDS = ("protobuf-py", "protobuf-py-ext", "protobuf-py-pure")

PROGRAM = """
import paystream_client
from paystream.payment.v1 import payment_pb2
from paystream.payment.v1.events import PaymentSuccess
from paystream.payment.v1.payment_pb2_grpc import PaymentServiceAsyncStub, PaymentServiceStub


def amount(address: str) -> int:
    with paystream_client.connect(address, retries=paystream_client.Retries(tries_max=2)) as channel:
        request = payment_pb2.GetPaymentRequest(payment_id="pay_1")
        try:
            return PaymentServiceStub(channel).GetPayment(request, timeout=1.0).payment.amount.amount_minor
        except paystream_client.NotFoundError as error:
            return len(error.reason)


async def state(address: str) -> payment_pb2.PaymentState.ValueType:
    async with paystream_client.connect_async(address) as channel:
        stub: PaymentServiceAsyncStub = PaymentServiceStub(channel)
        return (await stub.GetPayment(payment_pb2.GetPaymentRequest(payment_id="pay_1"))).payment.state


def fee(event: PaymentSuccess) -> int:
    return event.fee_minor
"""


TESTING_PROGRAM = """
import grpc
import paystream_client
from paystream.payment.v1 import payment_pb2
from paystream.payment.v1.events import PaymentSuccess
from paystream.payment.v1.payment_pb2_grpc import PaymentServiceStub
from paystream_client.events import EventDecoder, UndecodableError
from paystream_client.testing import Refusal, assert_consumes, fake_server, goldens, schema_of

for topic in TOPICS:
    print(topic, assert_consumes(lambda golden: golden.event.as_record(), topic))
for golden in goldens("payment.events", "PaymentSuccess"):
    assert isinstance(golden.event, PaymentSuccess)
    print(golden.version, golden.event.amount_minor, golden.event.method, golden.event.brand)

decoder = EventDecoder(schema_of)
for wrong in (b"", b"{}", golden.message[:-1], golden.message[:5]):
    try:
        decoder.decode(wrong)
        print("decoded")
    except UndecodableError:
        print("undecodable")

def fails_on_version_2(golden):
    if golden.version == 2:
        raise ValueError("two")

try:
    assert_consumes(fails_on_version_2, "payment.events", "PaymentSuccess")
except AssertionError as error:
    print(str(error).splitlines()[1:])

GET = "paystream.payment.v1.PaymentService/GetPayment"
payment = payment_pb2.Payment(payment_id="pay_" + 32 * "0")
answers = [
    Refusal(code=grpc.StatusCode.UNAVAILABLE, reason="DEPENDENCY_UNAVAILABLE"),
    payment_pb2.GetPaymentResponse(payment=payment),
    Refusal(code=grpc.StatusCode.NOT_FOUND, reason="PAYMENT_NOT_FOUND", metadata={"payment_id": "p"}),
]
with fake_server({GET: lambda _: answers.pop(0)}) as fake, paystream_client.connect(fake.address) as channel:
    get = PaymentServiceStub(channel).GetPayment
    request = payment_pb2.GetPaymentRequest(payment_id=payment.payment_id)
    print(get(request).payment == payment, len(fake.requests[GET]))
    for refused in (request, payment_pb2.GetPaymentRequest(payment_id="p")):
        try:
            get(refused)
        except paystream_client.CallError as error:
            fields = [violation.field for violation in error.field_violations]
            print(type(error).__name__, error.reason, dict(error.metadata), fields)
for name in ("paystream.payment.v1.PaymentService/Nothing", "paystream.nothing.v1.NothingService/Get"):
    try:
        with fake_server({name: payment}):
            print("served")
    except LookupError:
        print("no such method")
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    packages = (*client_environment.REQUIRED, "types-grpcio", "types-protobuf")
    return client_environment.make(tmp_path_factory.mktemp("client") / "environment", packages=packages)


@pytest.fixture(scope="module")
def testing_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    packages = (*client_environment.REQUIRED, "fastavro", "protovalidate", *PROTOVALIDATE_NEEDS)
    return client_environment.make(tmp_path_factory.mktemp("testing") / "environment", packages=packages)


def run(python: Path, program: str) -> subprocess.CompletedProcess[str]:
    # -I: neither this checkout nor this environment is seen.
    return subprocess.run(
        [python, "-I", "-c", program], capture_output=True, text=True, timeout=STEP_S_MAX, check=False, cwd="/"
    )


def check_types(python: Path, directory: Path, program: str) -> list[str]:
    (directory / "program.py").write_text(program)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--python-executable", python, "--config-file", "", "program.py"],
        cwd=directory,
        env={"MYPY_CACHE_DIR": str(directory / "cache"), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=STEP_S_MAX,
        check=False,
    )
    assert not done.stderr, done.stderr
    return done.stdout.splitlines()


def test_everything_but_the_extras_is_imported_with_three_packages_alone(python: Path) -> None:
    done = run(
        python,
        "import importlib, pkgutil, paystream, paystream_client\n"
        "names = [module.name for module in pkgutil.walk_packages(paystream.__path__, 'paystream.')]\n"
        "for name in names: importlib.import_module(name)\n"
        "print(len(names), paystream_client.__file__)",
    )
    assert done.returncode == 0, done.stderr
    count, file = done.stdout.split()
    assert int(count) > 50
    assert str(python.parents[1]) in file


def test_what_needs_an_extra_names_the_package_that_is_missing(python: Path) -> None:
    for module, package in (("events", "fastavro"), ("testing", "protovalidate")):
        done = run(python, f"import paystream_client.{module}")
        assert f"ModuleNotFoundError: No module named '{package}'" in done.stderr


def test_the_test_kit_works_from_the_wheel_alone(testing_python: Path) -> None:
    versions = Counter(file.topic for file in schema_files.versions(schema_files.schema_root()))
    done = run(testing_python, f"TOPICS = {sorted(versions)}\n{TESTING_PROGRAM}")
    assert done.stdout.splitlines() == [
        *(f"{topic} {count}" for topic, count in sorted(versions.items())),
        "1 1234 CARD None",
        "2 1234 CARD None",
        "3 1234 CARD visa",
        *["undecodable"] * 4,
        "['  paystream.payment.v1.PaymentSuccess version 2: ValueError: two']",
        "True 2",
        "NotFoundError PAYMENT_NOT_FOUND {'payment_id': 'p'} []",
        "InvalidArgumentError FIELD_INVALID {} ['payment_id']",
        *["no such method"] * 2,
    ], done.stderr


def test_a_program_is_type_checked_strictly_against_the_installed_wheel(python: Path, tmp_path: Path) -> None:
    assert check_types(python, tmp_path, PROGRAM) == ["Success: no issues found in 1 source file"]


def test_a_wrong_type_is_found_by_the_installed_types(python: Path, tmp_path: Path) -> None:
    wrong = PROGRAM.replace("-> int:\n    with", "-> str:\n    with").replace(
        "return event.fee_minor", "return event.fee"
    )
    found = [line.rpartition("  ")[2] for line in check_types(python, tmp_path, wrong)[:-1]]
    assert found == ["[return-value]", "[return-value]", "[no-any-return]", "[attr-defined]"]


def test_the_wheel_asks_for_the_versions_that_the_generated_code_needs() -> None:
    project = tomllib.loads((ROOT / "clients/python/pyproject.toml").read_text())["project"]
    stub = (ROOT / "gen/paystream/payment/v1/payment_pb2_grpc.py").read_text()
    generated = (ROOT / "gen/paystream/payment/v1/payment_pb2.py").read_text()
    [grpcio] = re.findall(r"GRPC_GENERATED_VERSION = '([\d.]+)'", stub)
    [protobuf] = re.findall(r"PUBLIC,\s+(\d+),\s+(\d+),\s+(\d+),", generated)
    major = int(protobuf[0])
    assert project["dependencies"] == [
        f"grpcio>={grpcio}",
        f"protobuf>={'.'.join(protobuf)},<{major + 1}",
        "googleapis-common-protos",
    ]
    assert project["version"] == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
