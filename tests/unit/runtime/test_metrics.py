import itertools
import urllib.request
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY, generate_latest

from paykit.base import metrics


def test_metrics_are_served_over_http_until_closed() -> None:
    server = metrics.MetricsServer("127.0.0.1:0")
    metrics.CallMetrics("/test.v1.Service/Served").answered("OK", seconds=0.004)
    with urllib.request.urlopen(f"http://{server.address}/metrics", timeout=10) as response:
        page = response.read().decode()
    server.close()
    assert 'paystream_grpc_calls_total{code="OK",method="/test.v1.Service/Served"} 1.0' in page


def test_a_call_is_counted_once_by_code_and_timed() -> None:
    method = "/test.v1.Service/Counted"
    calls = metrics.CallMetrics(method)
    calls.answered("OK", seconds=0.004)
    calls.answered("OK", seconds=0.004)
    calls.answered("NOT_FOUND", seconds=0.2)

    def count(name: str, **labels: str) -> float | None:
        return REGISTRY.get_sample_value(name, {"method": method, **labels})

    assert count("paystream_grpc_calls_total", code="OK") == 2
    assert count("paystream_grpc_calls_total", code="NOT_FOUND") == 1
    assert count("paystream_grpc_call_seconds_count") == 3
    assert count("paystream_grpc_call_seconds_bucket", le="0.005") == 2


def test_ages_of_a_batch_are_counted_in_the_buckets_that_bound_them() -> None:
    name, now = "test_age_seconds", datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    ages = metrics.AgeHistogram(name, "A test.", ["topic"])
    recorded = [now - timedelta(seconds=seconds) for seconds in (0.05, 0.06, 7, 3_600, 3_601, -5)]
    ages.observe_since([*recorded, None], now, "a")
    ages.observe_since([now - timedelta(seconds=1)], now, "b")

    def count(topic: str, suffix: str, **labels: str) -> float | None:
        return REGISTRY.get_sample_value(name + suffix, {"topic": topic, **labels})

    # Bounds are inclusive: 0.05 and what is ahead, then 0.06, 7, 3,600; beyond the last bound 3,601.
    bounds = ("0.05", "0.1", "5.0", "10.0", "900.0", "3600.0", "+Inf")
    assert [count("a", "_bucket", le=le) for le in bounds] == [2, 3, 3, 4, 4, 5, 6]
    assert (count("a", "_count"), count("b", "_count")) == (6, 1)
    assert count("a", "_sum") == pytest.approx(0.05 + 0.06 + 7 + 3_600 + 3_601)
    assert f'{name}_bucket{{le="1.0",topic="b"}} 1.0' in generate_latest().decode()


@given(st.lists(st.integers(-10, 4_000_000_000) | st.sampled_from([0, 50_000, 5_000_000, 3_600_000_000]), max_size=30))
def test_ages_counted_all_at_once_are_those_counted_by_their_times(ages_us: list[int]) -> None:
    now = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    times, seconds = f"times {next(NUMBERS)}", f"seconds {next(NUMBERS)}"
    AGES.observe_since([now - timedelta(microseconds=each) for each in ages_us], now, times)
    AGES.observe_all([each / 1_000_000 for each in ages_us], seconds)
    [family] = AGES.collect()
    counted: dict[str, dict[tuple[str, str | None], float]] = defaultdict(dict)
    for sample in family.samples:
        counted[sample.labels["topic"]][sample.name, sample.labels.get("le")] = sample.value
    assert counted[seconds] == pytest.approx(counted[times])
    assert counted[seconds]["test_ages_seconds_count", None] == len(ages_us)


NUMBERS = itertools.count()
AGES = metrics.AgeHistogram("test_ages_seconds", "A test.", ["topic"])


def test_a_histogram_without_labels_shows_zero_from_the_beginning_on() -> None:
    metrics.AgeHistogram("test_unlabelled_age_seconds", "A test.")
    assert REGISTRY.get_sample_value("test_unlabelled_age_seconds_count") == 0
