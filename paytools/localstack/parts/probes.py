"""Does it serve? One question per protocol, answered within a second or so and never with an exception."""

import smtplib
import socket
import subprocess
from urllib.parse import urlsplit

import grpc
import httpx
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from grpc_health.v1 import health_pb2

from paytools.localstack.parts import postgres_programs

CONNECT_S_MAX = 0.5
ANSWER_S_MAX = 2.0
GATEWAY_HEALTH_PATH = "/healthz"


def connects(address: str) -> bool:
    """Something accepts TCP connections at `host:port`."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), CONNECT_S_MAX):
            return True
    except OSError:
        return False


def kafka(bootstrap: str) -> bool:
    """A broker is registered with the cluster, so that topics can be made."""
    if not any(connects(address) for address in bootstrap.split(",")):
        return False
    client = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    try:
        return bool(client.list_topics(timeout=ANSWER_S_MAX).brokers)
    except KafkaException:
        return False


def knows_group(bootstrap: str, group: str) -> bool:
    """A broker coordinates a consumer group, which it begins to prepare when it is asked for the first time."""
    client = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    try:
        return bool(client.describe_consumer_groups([group], request_timeout=ANSWER_S_MAX)[group].result())
    except KafkaException:
        return False


def registry(url: str) -> bool:
    """The registry lists its subjects."""
    parts = urlsplit(url)
    default_port = {"http": 80, "https": 443}[parts.scheme]
    if not connects(f"{parts.hostname}:{parts.port or default_port}"):
        return False
    try:
        return httpx.get(f"{url}/subjects", timeout=ANSWER_S_MAX).is_success
    except httpx.HTTPError:
        return False


def postgres(dsn: str) -> bool:
    """A session can be opened with this DSN."""
    parts = urlsplit(dsn)
    if parts.hostname and not connects(f"{parts.hostname}:{parts.port or 5432}"):
        return False
    try:
        return postgres_programs.query(dsn, "SELECT 1") == "1"
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return False


def gateway(url: str) -> bool:
    """The gateway answers for itself."""
    if not connects(urlsplit(url).netloc):
        return False
    try:
        return httpx.get(f"{url}{GATEWAY_HEALTH_PATH}", timeout=ANSWER_S_MAX).is_success
    except httpx.HTTPError:
        return False


def mail(address: str) -> bool:
    """A mail server greets whoever connects."""
    host, _, port = address.rpartition(":")
    try:
        with smtplib.SMTP(host, int(port), timeout=ANSWER_S_MAX):
            return True
    except (OSError, smtplib.SMTPException):
        return False


def service(address: str) -> bool:
    """The gRPC health service says SERVING."""
    if not connects(address):
        return False
    with grpc.insecure_channel(address) as channel:
        check = channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
            response_deserializer=health_pb2.HealthCheckResponse.FromString,
        )
        try:
            answer = check(health_pb2.HealthCheckRequest(), timeout=ANSWER_S_MAX)
        except grpc.RpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
