"""`paystream call` as a person runs it, against a real server."""

import asyncio
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from paykit.errors import DomainError, Kind
from tests.integration.edge.conftest import Running


class InsufficientFunds(DomainError):
    kind = Kind.FAILED_PRECONDITION
    reason = "INSUFFICIENT_FUNDS"


@dataclass(frozen=True)
class Ran:
    status: int | None
    out: str
    err: str


async def _paystream(*arguments: str, cwd: Path, stdin: str = "") -> Ran:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "paytools.cli.main", *arguments, stdin=pipe, stdout=pipe, stderr=pipe, cwd=cwd
    )
    out, err = await asyncio.wait_for(process.communicate(stdin.encode()), 30)
    return Ran(process.returncode, out.decode(), err.decode())


async def test_a_reply_is_printed_as_json_under_its_proto_names(running: Running, tmp_path: Path) -> None:
    ran = await _paystream(
        "call", "echo.v1.EchoService/Echo", "-a", running.server.address, "-d", '{"text": "grüß dich"}',
        "-H", "x-correlation-id: journey-1", "-H", "paystream-caller: shop", cwd=tmp_path,
    )  # fmt: skip
    reply = json.loads(ran.out)
    assert (reply["text"], reply["correlation_id"], reply["caller"]) == ("grüß dich", "journey-1", "shop")
    assert "grüß" in ran.out
    assert (ran.status, ran.err) == (0, "")


async def test_a_refusal_names_reason_field_and_rule(running: Running, tmp_path: Path) -> None:
    data = '{"amount": {"amount_minor": "0", "currency_code": "USD"}}'
    ran = await _paystream(
        "call", "EchoService/Echo", "-a", running.server.address, "-d", data, "-H", "x-correlation-id: j", cwd=tmp_path
    )
    assert (ran.status, ran.out) == (1, "")
    assert ran.err.splitlines() == [
        "error: INVALID_ARGUMENT FIELD_INVALID: amount.amount_minor: must be greater than 0",
        "  amount.amount_minor: [int64.gt] must be greater than 0",
        "  rule = int64.gt",
        "  correlation id j",
    ]


async def test_a_stream_of_requests_and_replies(running: Running, tmp_path: Path) -> None:
    data = '{"text": "a"}\n{"text": "b"}'
    ran = await _paystream("call", "echo/Relay", "-a", running.server.address, "-d", "@", cwd=tmp_path, stdin=data)
    assert [line.strip() for line in ran.out.splitlines() if "text" in line] == ['"text": "a",', '"text": "b",']
    assert ran.status == 0


async def test_the_local_stack_gives_the_address(running: Running, tmp_path: Path) -> None:
    (tmp_path / ".paystream").mkdir()
    places = {"services": {"other": "127.0.0.1:1", "echo": running.server.address}}
    (tmp_path / ".paystream/endpoints.json").write_text(json.dumps(places))
    for name in ("echo", "EchoService", "echo.v1.EchoService"):
        ran = await _paystream("call", f"{name}/Echo", "-d", '{"text": "x"}', cwd=tmp_path)
        assert (json.loads(ran.out)["text"], ran.status) == ("x", 0)
    ran = await _paystream("call", "ledger/Echo", cwd=tmp_path)
    wanted = "error: the local stack has no service for 'ledger' (it has other, echo); give --address\n"
    assert (ran.status, ran.err) == (1, wanted)


async def test_methods_are_listed(running: Running, tmp_path: Path) -> None:
    ran = await _paystream("call", "--list", "-a", running.server.address, cwd=tmp_path)
    names = ("Echo", "EchoMany", "Split", "Join", "Relay")
    assert ran.out.splitlines() == [f"{running.server.address}\techo.v1.EchoService/{name}" for name in names]


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["echo/Nothing"], 2, "no method 'Nothing' in echo.v1.EchoService: there are Echo, EchoMany, Split"),
        (["other/Echo"], 2, "no service 'other': there are echo.v1.EchoService"),
        (["echo/Echo", "-d", "{"], 2, "not JSON"),
        (["echo/Echo", "-d", '{"txt": ""}'], 2, 'no field named "txt"'),
        (["echo/Echo", "-d", "{} {}"], 2, "Echo takes one request, not 2"),
        (["echo/Echo", "-H", "nonsense"], 2, 'a header is "key: value"'),
        (["echo"], 2, "name a method"),
    ],
)
async def test_wrong_usage_says_what_is_wrong_without_a_traceback(
    running: Running, tmp_path: Path, arguments: list[str], status: int, said: str
) -> None:  # fmt: skip
    ran = await _paystream("call", *arguments, "-a", running.server.address, cwd=tmp_path)
    assert (ran.status, ran.out) == (status, "")
    assert said in ran.err.replace("\n", "")
    assert "Traceback" not in ran.err


async def test_without_a_stack_or_an_address_it_says_what_to_do(tmp_path: Path) -> None:
    ran = await _paystream("call", "echo/Echo", cwd=tmp_path)
    assert (ran.status, ran.err) == (
        1,
        "error: no address: start the local stack with `paystream up`, or give --address\n",
    )
