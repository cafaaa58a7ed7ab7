"""Metrics of calls, and the HTTP endpoint that shows all metrics of the process to Prometheus, and its health."""

import socket
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import accumulate, pairwise
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import REGISTRY, Counter, Gauge, Histogram, make_wsgi_app
from prometheus_client.exposition import ThreadingWSGIServer
from prometheus_client.metrics_core import HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from paykit.base.health import HealthBoard, body

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from http import HTTPStatus
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

CALLS = Counter("paystream_grpc_calls", "Calls answered, by full method name and gRPC code", ["method", "code"])
CALL_SECONDS = Histogram(
    "paystream_grpc_call_seconds",
    "Time from the request's arrival to its answer",
    ["method"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)
AGE_BUCKETS_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)
"""Of histograms of how long something took from one service to another."""

CALL_GROUPS = Counter(
    "paystream_call_groups",
    "Groups of calls that create something, by operation and way: at_once, failed_at_once (then under_claims as well), "
    "under_claims",
    ["operation", "way"],
)
CALLS_IN_FLIGHT = Gauge("paystream_grpc_calls_in_flight", "Calls in progress in this process")


class AgeHistogram(Collector):
    """A histogram of how long ago things were recorded, which takes those of a batch together.

    The client's own costs 2 us for each: too much beside the 70 us that booking a payment takes.

    Attributes:
        label_names: Names of its labels.
    """

    def __init__(self, name: str, documentation: str, label_names: Sequence[str] = ()) -> None:
        self.label_names = tuple(label_names)
        self._name = name
        self._documentation = documentation
        self._lock = Lock()
        # By the labels' values: how many are in each bucket, the last of which has no bound, and their sum in seconds.
        self._counts: dict[tuple[str, ...], list[int]] = {}
        self._sums_s: dict[tuple[str, ...], float] = {}
        if not label_names:  # Shown as 0 from the beginning on.
            self.observe_all(())
        REGISTRY.register(self)

    def observe_since(self, recorded: Iterable[datetime | None], now: datetime, *labels: str) -> None:
        """Count ages of what was recorded at these times: None has none, and what is from a clock ahead is 0 old."""
        self.observe_all([(now - time).total_seconds() for time in recorded if time is not None], *labels)

    def observe_all(self, ages_s: Iterable[float], *labels: str) -> None:
        """Count ages in seconds; one below 0 is 0."""
        ages = sorted(ages_s)
        ahead = bisect_left(ages, 0.0)
        up_to = [bisect_right(ages, bound) for bound in AGE_BUCKETS_S]
        with self._lock:
            counts = self._counts.setdefault(labels, [0] * (len(AGE_BUCKETS_S) + 1))
            for bucket, (below, through) in enumerate(pairwise([0, *up_to, len(ages)])):
                counts[bucket] += through - below
            self._sums_s[labels] = self._sums_s.get(labels, 0.0) + sum(ages[ahead:])

    def describe(self) -> Iterator[HistogramMetricFamily]:
        """Yield the family without its numbers."""
        yield self._family()

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """Yield the family with a series for each bucket."""
        family = self._family()
        bounds = [*map(floatToGoString, AGE_BUCKETS_S), "+Inf"]
        with self._lock:
            for labels, counts in self._counts.items():
                buckets = list(zip(bounds, map(float, accumulate(counts)), strict=True))
                family.add_metric(labels, buckets, self._sums_s[labels])
        yield family

    def _family(self) -> HistogramMetricFamily:
        return HistogramMetricFamily(self._name, self._documentation, labels=self.label_names)


class _QuietHandler(WSGIRequestHandler):
    """Writes no line for each request."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Write nothing."""


class MetricsServer:
    """Serves `/metrics` from a thread of its own, so that a busy event loop does not hide its own trouble.

    With a board also `/livez` and `/readyz`, for whoever supervises the process.
    """

    def __init__(self, address: str, *, health: HealthBoard | None = None) -> None:
        host, _, port = address.rpartition(":")
        served = {} if health is None else {"/livez": health.live, "/readyz": health.ready}
        family = socket.getaddrinfo(host or "127.0.0.1", int(port), type=socket.SOCK_STREAM)[0][0]
        server_class = type("_Server", (ThreadingWSGIServer,), {"address_family": family})
        self._server: WSGIServer = make_server(
            host or "127.0.0.1", int(port), _app(served), server_class, _QuietHandler
        )
        self._thread = Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.address = f"{host or '127.0.0.1'}:{self._server.server_port}"

    def close(self) -> None:
        """Stop serving and free the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _app(health: "Mapping[str, Callable[[], tuple[HTTPStatus, dict[str, Any]]]]") -> "WSGIApplication":
    shows_metrics = make_wsgi_app()

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> "Iterable[bytes]":
        look = health.get(environ["PATH_INFO"])
        if look is None:
            return shows_metrics(environ, start_response)  # type: ignore[no-any-return]
        status, answer = look()
        start_response(f"{status.value} {status.phrase}", [("Content-Type", "application/json")])
        return [body(answer)]

    return answer


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
