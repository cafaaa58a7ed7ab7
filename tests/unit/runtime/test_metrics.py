import urllib.request

from prometheus_client import REGISTRY

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
