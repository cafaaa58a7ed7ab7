"""A receiver of webhooks for developers: it verifies what comes and says what it was."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from services.notification.domain.webhooks import signing
from services.notification.domain.webhooks.signing import SignatureInvalidError

BODY_BYTES_MAX = 1_048_576
REQUEST_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class ReceivedWebhook:
    """A message whose signature fits.

    Attributes:
        seen_before: Whether one with this id came before, as retries and replays do.
    """

    message_id: str
    event_type: str
    timestamp: str
    data: dict[str, Any]
    seen_before: bool


class WebhookListener:
    """Listens on this machine.

    Args:
        port: 0 for a free one.
        on_received: Is told each message whose signature fits.
        on_refused: Is told why another was refused.
    """

    def __init__(
        self, port: int, *, on_received: Callable[[ReceivedWebhook], None], on_refused: Callable[[str], None]
    ) -> None:
        self.secrets: Sequence[str] = ()
        self._on_received = on_received
        self._on_refused = on_refused
        self._seen: set[str] = set()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self.port = self._server.server_port

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/"

    def serve(self) -> None:
        """Answer until `stop`."""
        self._server.serve_forever(poll_interval=0.1)

    def stop(self) -> None:
        """End `serve`, from another thread, and free the port."""
        self._server.shutdown()
        self._server.server_close()

    def answer(self, headers: dict[str, str], body: bytes) -> int:
        """Return the status that a message is answered by."""
        try:
            signing.verify(self.secrets, headers, body, now_s=time.time())
            told = json.loads(body)
            received = ReceivedWebhook(
                headers["webhook-id"],
                told["type"],
                told["timestamp"],
                told["data"],
                headers["webhook-id"] in self._seen,
            )
        except (SignatureInvalidError, ValueError, KeyError, TypeError) as error:
            self._on_refused(str(error))
            return 400
        self._seen.add(received.message_id)
        self._on_received(received)
        return 204

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        listener = self

        class Handler(BaseHTTPRequestHandler):
            timeout = REQUEST_TIMEOUT_S

            def do_POST(self) -> None:
                length = self.headers.get("content-length", "")
                if not length.isdecimal() or int(length) > BODY_BYTES_MAX:
                    self.send_error(411)
                    return
                headers = {name.lower(): value for name, value in self.headers.items()}
                self.send_response(listener.answer(headers, self.rfile.read(int(length))))
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing: what came is told by the listener."""

        return Handler
