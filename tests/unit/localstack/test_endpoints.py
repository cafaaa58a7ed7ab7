"""The file that tells other programs where everything listens."""

import json
import stat
from pathlib import Path

import pytest

from paytools.localstack import Endpoints

ENDPOINTS = Endpoints(
    kafka="127.0.0.1:9092",
    registry="http://127.0.0.1:8081/apis/ccompat/v7",
    postgres="postgresql://postgres:secret@127.0.0.1:5432/paystream",
    services={"payment": "127.0.0.1:50051"},
    metrics={"payment": "127.0.0.1:9464"},
    topic_partitions=6,
    mail="127.0.0.1:1025",
    gateway="http://127.0.0.1:8080",
)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    ENDPOINTS.write(tmp_path)
    assert Endpoints.read(tmp_path) == ENDPOINTS


def test_the_file_has_the_documented_names_and_belongs_to_its_owner_alone(tmp_path: Path) -> None:
    ENDPOINTS.write(tmp_path)
    file = tmp_path / "endpoints.json"
    assert json.loads(file.read_text()) == {
        "kafka": "127.0.0.1:9092",
        "registry": "http://127.0.0.1:8081/apis/ccompat/v7",
        "postgres": "postgresql://postgres:secret@127.0.0.1:5432/paystream",
        "services": {"payment": "127.0.0.1:50051"},
        "metrics": {"payment": "127.0.0.1:9464"},
        "topic_partitions": 6,
        "mail": "127.0.0.1:1025",
        "gateway": "http://127.0.0.1:8080",
    }
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["endpoints.json"]


def test_without_a_stack_there_is_nothing_to_read(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Endpoints.read(tmp_path)
