"""The suite of every adapter, run on the bank's against a stand-in of the bank."""

import json
import threading
from collections import Counter
from collections.abc import AsyncIterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pydantic import SecretStr

from examples.acme_bank import ADAPTER, AcmeSettings, connect
from paykit.channels.channel import Channel
from paykit.testing.channel_contract import SLOW_S, ChannelContract, ChannelFault

REJECTED = 13


class StandIn(ThreadingHTTPServer):
    """A bank that does what a test tells it."""

    channel: Channel
    fault: ChannelFault | None = None

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.sent: Counter[str] = Counter()
        self.payouts: dict[str, dict[str, Any]] = {}
        self.over = threading.Event()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    async def open_dispute(self, attempt_id: str) -> str:
        """A bank knows no disputes."""
        raise NotImplementedError

    def pay(self, attempt_id: str, order: dict[str, Any]) -> dict[str, Any]:
        """Pay once, however often it is asked."""
        self.sent[attempt_id] += 1
        rejected = order["amount"] == REJECTED
        result = (
            {"status": "rejected", "reason": "unlucky"} if rejected else {"status": "paid", "reference": attempt_id}
        )
        return self.payouts.setdefault(attempt_id, {"id": attempt_id, **result})


class Handler(BaseHTTPRequestHandler):
    """One connection to the stand-in."""

    server: StandIn
    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        """Pay out."""
        order, fault = json.loads(self.rfile.read(int(self.headers["content-length"]))), self.server.fault
        if self._arrives(fault):
            self._answer(self.server.pay(self.path.rpartition("/")[2], order), fault)

    def do_GET(self) -> None:
        """Tell what became of a payout."""
        attempt_id, fault = self.path.rpartition("/")[2], self.server.fault
        if self._arrives(fault):
            self._answer(self.server.payouts.get(attempt_id, {"id": attempt_id, "status": "unknown"}), fault)

    def _arrives(self, fault: ChannelFault | None) -> bool:
        """Say whether a request is carried out; the fault is that of its arrival, whatever is set once it is told."""
        if fault is ChannelFault.SILENT:
            self.server.over.wait()
        if fault is ChannelFault.REFUSED:
            self.send_error(503)
        return fault not in {ChannelFault.SILENT, ChannelFault.REFUSED}

    def _answer(self, payout: dict[str, Any], fault: ChannelFault | None) -> None:
        self.close_connection = fault is ChannelFault.LOST
        if fault is ChannelFault.SLOW:
            self.server.over.wait(SLOW_S)
        if fault is not ChannelFault.LOST:
            body = b"<html>" if fault is ChannelFault.MALFORMED else json.dumps(payout).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the signature is the library's
        """Write nothing."""


class TestAcmeBank(ChannelContract):
    """The adapter passes the suite."""

    adapter = ADAPTER
    declined_minor = REJECTED
    batch_size = 100  # The stand-in has one core with the adapter.

    @pytest.fixture
    async def rig(self) -> AsyncIterator[StandIn]:
        """The adapter, connected to a stand-in."""
        with StandIn() as bank:
            threading.Thread(target=bank.serve_forever, daemon=True).start()
            async with connect(bank.url, AcmeSettings(api_key=SecretStr("key"))) as channel:
                assert channel is not None
                bank.channel = channel
                yield bank
            bank.over.set()
            bank.shutdown()
