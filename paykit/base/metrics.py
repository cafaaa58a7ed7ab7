"""Metrics of calls, and the HTTP endpoint that shows all metrics of the process to Prometheus."""

from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge, Histogram, start_http_server

if TYPE_CHECKING:
    from collections.abc import Callable

CALLS = Counter("paystream_grpc_calls", "Calls answered, by full method name and gRPC code", ["method", "code"])
CALL_SECONDS = Histogram(
    "paystream_grpc_call_seconds",
    "Time from the request's arrival to its answer",
    ["method"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)
AGE_BUCKETS_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)
"""Of histograms of how long something took from one service to another."""

CALLS_IN_FLIGHT = Gauge("paystream_grpc_calls_in_flight", "Calls in progress in this process")


class MetricsServer:
    """Serves `/metrics` from a thread of its own, so that a busy event loop does not hide its own trouble."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        server, thread = start_http_server(int(port), addr=host or "127.0.0.1")
        self._server = server
        self._thread = thread
        self.address = f"{host or '127.0.0.1'}:{server.server_port}"

    def close(self) -> None:
        """Stop serving and free the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class CallMetrics:
    """The metrics of one method, with their labels looked up once: that costs more than counting."""

    def __init__(self, method: str) -> None:
        self._method = method
        self._observe: Callable[[float], None] = CALL_SECONDS.labels(method).observe
        self._answered: dict[str, Callable[[], None]] = {}

    def answered(self, code: str, *, seconds: float) -> None:
        """Count one call that ended with `code`, a name of grpc.StatusCode."""
        count = self._answered.get(code)
        if count is None:
            count = self._answered[code] = CALLS.labels(self._method, code).inc
        count()
        self._observe(seconds)
