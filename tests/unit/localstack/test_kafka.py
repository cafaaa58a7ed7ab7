"""What the broker is told."""

from pathlib import Path

from paytools.localstack.parts.kafka import Kafka, ProxiedListener


def configuration(home: Path, proxied: ProxiedListener | None) -> dict[str, str]:
    broker = Kafka(home=home, cache=home / "cache", port=9092, controller_port=9100, proxied=proxied)
    (home / "kafka").mkdir()
    broker._write_configuration(home / "kafka" / "data")
    lines = (home / "kafka" / "server.properties").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_clients_are_sent_to_the_one_listener(tmp_path: Path) -> None:
    written = configuration(tmp_path, None)
    assert written["listeners"] == "PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9100"
    assert written["advertised.listeners"] == "PLAINTEXT://127.0.0.1:9092"
    assert "listener.security.protocol.map" not in written


def test_clients_of_the_proxied_listener_are_sent_to_the_proxy(tmp_path: Path) -> None:
    written = configuration(tmp_path, ProxiedListener(port=9093, proxy="127.0.0.1:9094"))
    assert written["listeners"] == "PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9100,PROXIED://127.0.0.1:9093"
    assert written["advertised.listeners"] == "PLAINTEXT://127.0.0.1:9092,PROXIED://127.0.0.1:9094"
    assert written["listener.security.protocol.map"] == "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,PROXIED:PLAINTEXT"
