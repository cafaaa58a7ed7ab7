"""One try against receivers that mean no good: where it goes, how long it takes, how much it reads."""

import asyncio
import shutil
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from services.notification.domain.webhooks.addresses import AddressPolicy
from services.notification.domain.webhooks.delivery import WebhookAnswer
from services.notification.jobs.webhooks.resolving import Resolve
from services.notification.jobs.webhooks.sending import WebhookSender
from tests.integration.notification.webhooks.conftest import Desk
from tests.line.receiving import OK, answering, hanging, receiver, status

LOCAL = AddressPolicy(http_allowed=True, high_ports_allowed=True, loopback_allowed=True)
PUBLIC = AddressPolicy(http_allowed=True, high_ports_allowed=True)
TRY_S = 0.5
DRIP_S = 0.05


def naming(*looks: Sequence[str]) -> Resolve:
    """A resolver that gives these addresses at one look after another, and the last for ever."""
    left = list(looks)

    async def look(_host: str, _port: int) -> Sequence[str]:
        return left.pop(0) if len(left) > 1 else left[0]

    return look


async def post(url: str, *, sender: WebhookSender | None = None, **given: Any) -> WebhookAnswer:
    options: dict[str, Any] = {"policy": LOCAL, "timeout_s": TRY_S} | given
    made = sender or WebhookSender(**options)
    try:
        return await made.post(url, {"webhook-id": "evt_1"}, b"{}")
    finally:
        if sender is None:
            await made.close()


async def test_connection_goes_to_the_checked_address_and_the_name_stays_in_the_request() -> None:
    async with receiver() as one:
        answer = await post(f"http://shop.example:{one.port}/hooks?a=b", resolver=naming(["127.0.0.1"]))
    assert answer == WebhookAnswer(status_code=200, excerpt=b"ok")
    (received,) = one.received
    assert (received.path, received.headers["host"]) == ("/hooks?a=b", f"shop.example:{one.port}")
    assert received.headers["content-type"] == "application/json"
    assert "authorization" not in received.headers


async def test_name_that_is_private_at_the_second_look_is_not_connected_to_again() -> None:
    sender = WebhookSender(
        LOCAL, resolver=naming(["127.0.0.1"], ["10.0.0.1"], ["169.254.169.254"], ["::ffff:127.0.0.1"])
    )
    async with receiver() as one:
        url = f"http://shop.example:{one.port}/"
        answers = [await post(url, sender=sender) for _ in range(4)]
    await sender.close()
    assert [answer.status_code for answer in answers] == [200, None, None, None]
    assert {answer.failure for answer in answers[1:]} == {"ADDRESS_REFUSED"}
    assert len(one.received) == 1


async def test_name_with_one_private_address_among_public_ones_is_refused() -> None:
    async with receiver() as one:
        answer = await post(f"http://shop.example:{one.port}/", resolver=naming(["127.0.0.1", "192.168.0.1"]))
    assert answer.failure == "ADDRESS_REFUSED"
    assert one.received == []


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "::", "10.0.0.1", "169.254.169.254"),  # noqa: S104
        *("::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:0:127.0.0.1", "::127.0.0.1"),
        *("64:ff9b::7f00:1", "64:ff9b:1::7f00:1", "2002:7f00:1::", "fe80::1%lo", "127.1", "2130706433", "0177.0.0.1"),
    ],
)
async def test_name_with_an_address_that_leads_inside_is_refused_even_where_this_machine_is_allowed(
    address: str,
) -> None:
    async with receiver() as one:
        answer = await post(f"http://shop.example:{one.port}/", resolver=naming([address]))
    assert answer.failure == "ADDRESS_REFUSED"
    assert one.received == []


async def test_this_machine_is_refused_where_it_is_not_allowed() -> None:
    async with receiver() as one:
        by_name = await post(f"http://shop.example:{one.port}/", policy=PUBLIC, resolver=naming(["127.0.0.1"]))
        by_address = await post(one.url, policy=PUBLIC)
    assert by_name.failure == by_address.failure == "ADDRESS_REFUSED"
    assert one.received == []


async def test_redirect_to_this_machine_is_not_followed() -> None:
    async with receiver() as inside:
        async with receiver(answering(status(307, f"location: {inside.url}"))) as outside:
            answer = await post(outside.url)
        assert (answer.status_code, answer.succeeded) == (307, False)
        assert inside.received == []


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with receiver() as one:
        assert (await post(one.url)).status_code == 200


async def test_other_addresses_are_tried_where_the_first_does_not_answer() -> None:
    async with receiver() as one:
        answer = await post(f"http://shop.example:{one.port}/", resolver=naming(["::1", "127.0.0.1"]))
    assert answer.status_code == 200


async def endless(writer: asyncio.StreamWriter, chunk: bytes, head: bytes) -> None:
    writer.write(head)
    while not writer.is_closing():
        writer.write(chunk)
        await writer.drain()
        await asyncio.sleep(0)


async def test_endless_headers_end_the_try_in_time() -> None:
    async with receiver(lambda writer, _: endless(writer, b"x-a: b\r\n", b"HTTP/1.1 200 OK\r\n")) as one:
        answer = await post(one.url, timeout_s=10.0)
    assert answer.failure == "PROTOCOL_ERROR"


async def test_endless_interim_answers_end_the_try_in_time() -> None:
    async with receiver(lambda writer, _: endless(writer, b"HTTP/1.1 100 Continue\r\n\r\n", b"")) as one:
        assert (await post(one.url)).failure == "TIMEOUT"


async def test_endless_body_is_read_as_far_as_it_is_kept() -> None:
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    chunk = b"1000\r\n" + b"\xff" * 0x1000 + b"\r\n"
    async with receiver(lambda writer, _: endless(writer, chunk, head)) as one:
        answer = await post(one.url, timeout_s=10.0)
    assert answer == WebhookAnswer(status_code=200, excerpt=b"\xff" * 1_000)


async def test_endless_header_line_ends_the_try_in_time() -> None:
    async with receiver(lambda writer, _: endless(writer, b"a" * 4_096, b"HTTP/1.1 200 OK\r\nx-a: ")) as one:
        answer = await post(one.url, timeout_s=10.0)
    assert answer.failure == "PROTOCOL_ERROR"


async def dripping(writer: asyncio.StreamWriter, head: bytes) -> None:
    writer.write(head)
    while not writer.is_closing():
        writer.write(b"a")
        await writer.drain()
        await asyncio.sleep(DRIP_S)


async def test_answer_that_drips_ends_the_try_in_time() -> None:
    """Each byte comes soon after the one before: only the whole has taken too long."""
    async with receiver(lambda writer, _: dripping(writer, b"HTTP/1.1 200 OK\r\nx-a: ")) as one:
        assert await post(one.url) == WebhookAnswer(failure="TIMEOUT")


async def test_body_that_drips_is_not_waited_for_once_it_is_known_that_the_webhook_was_taken() -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n"
    async with receiver(lambda writer, _: dripping(writer, head)) as one:
        answer = await post(one.url, timeout_s=10.0)
    assert (answer.status_code, answer.failure) == (200, None)
    assert 0 < len(answer.excerpt) < 1_000
    assert set(answer.excerpt) == set(b"a")


async def test_handshake_that_nobody_answers_ends_the_try_in_time() -> None:
    hung = asyncio.Event()

    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await hung.wait()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    answer = await post(f"https://shop.example:{port}/", resolver=naming(["127.0.0.1"]))
    hung.set()
    server.close()
    assert answer == WebhookAnswer(failure="TIMEOUT")


async def test_receiver_that_hangs_ends_in_time() -> None:
    began = time.monotonic()
    async with receiver(hanging) as one:
        assert (await post(one.url)).failure == "TIMEOUT"
    assert time.monotonic() - began < 10 * TRY_S


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"", WebhookAnswer(failure="PROTOCOL_ERROR")),
        (b"HTTP/1.1 200 O", WebhookAnswer(failure="PROTOCOL_ERROR")),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf", WebhookAnswer(status_code=200, excerpt=b"half")),
        (b"HTTP/1.1 500 No\r\ncontent-length: 10\r\n\r\n", WebhookAnswer(status_code=500)),
        (b"SSH-2.0-OpenSSH\r\n\r\n", WebhookAnswer(failure="PROTOCOL_ERROR")),
        (b"HTTP/1.1 799 Odd\r\ncontent-length: 0\r\n\r\n", WebhookAnswer(failure="PROTOCOL_ERROR")),
        (b"HTTP/1.1 204 None\r\n\r\n", WebhookAnswer(status_code=204)),
        (
            b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\nok",
            WebhookAnswer(status_code=200, excerpt=b"ok"),
        ),
    ],
)
async def test_receiver_that_breaks_off_or_speaks_otherwise_gives_what_can_be_told(
    answer: bytes, expected: WebhookAnswer
) -> None:
    async with receiver(answering(answer)) as one:
        assert await post(one.url) == expected


async def test_nobody_there_is_a_failed_connection() -> None:
    async with receiver() as one:
        url = one.url
    assert (await post(url)).failure == "CONNECTION_FAILED"
    assert (await post("http://shop.example:8080/", resolver=unresolvable)).failure == "CONNECTION_FAILED"


async def unresolvable(_host: str, _port: int) -> Sequence[str]:
    raise OSError("no such name")


async def test_address_that_was_registered_is_checked_again_by_what_is_allowed_now(desk: Desk) -> None:
    async with receiver() as one:
        await desk.register(one.url)
        await desk.happen(desk.cancelled())
        strict = WebhookSender(AddressPolicy())
        await desk.deliver(sender=strict)
        await strict.close()
    assert one.received == []
    (attempt,) = (await desk.delivery()).attempts
    assert (attempt.status_code, attempt.failure) == (0, "ADDRESS_REFUSED")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of shop.example that signs itself, and its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("the openssl command makes the certificate, and is not on this machine")
    directory = tmp_path_factory.mktemp("tls")
    paths = directory / "certificate.pem", directory / "key.pem"
    subprocess.run(
        [
            *(openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=shop.example"),
            *("-addext", "subjectAltName=DNS:shop.example", "-out", str(paths[0]), "-keyout", str(paths[1])),
        ],
        check=True,
        capture_output=True,
    )
    return paths


@pytest.fixture
async def tls_port(certificate: tuple[Path, Path]) -> AsyncIterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    yield server.sockets[0].getsockname()[1]
    server.close()


@pytest.mark.parametrize(("host", "code"), [("shop.example", 200), ("other.example", None)])
async def test_certificate_is_verified_against_the_name_and_not_the_address(
    certificate: tuple[Path, Path], tls_port: int, host: str, code: int | None
) -> None:
    context = ssl.create_default_context(cafile=str(certificate[0]))
    url = f"https://{host}:{tls_port}/"
    answer = await post(url, resolver=naming(["127.0.0.1"]), ssl_context=context, timeout_s=5.0)
    assert (answer.status_code, answer.failure) == (code, None if code else "TLS_FAILED")


async def test_certificate_of_an_authority_that_the_system_does_not_know_is_refused(tls_port: int) -> None:
    answer = await post(f"https://shop.example:{tls_port}/", resolver=naming(["127.0.0.1"]), timeout_s=5.0)
    assert answer.failure == "TLS_FAILED"
