# ruff: noqa: INP001  (a script of the image, not a module of a package)
"""Exit 0 if everything at the given addresses is well: the health check of the image.

An address is a gRPC server whose health service is to say SERVING, or a page such as http://127.0.0.1:9464/readyz,
which is to answer 200: a process that serves no calls has only that.
"""

import sys
import urllib.error
import urllib.request
from http import HTTPStatus

import grpc
from grpc_health.v1 import health_pb2

ANSWER_S_MAX = 3.0


def main(*addresses: str) -> int:
    """Ask each once; an unreachable one ends in a traceback, which the container's log then shows."""
    return int(not all(_is_ready(each) if each.startswith("http://") else _serves(each) for each in addresses))


def _serves(address: str) -> bool:
    with grpc.insecure_channel(address) as channel:
        check = channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
            response_deserializer=health_pb2.HealthCheckResponse.FromString,
        )
        answer = check(health_pb2.HealthCheckRequest(), timeout=ANSWER_S_MAX)
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def _is_ready(page: str) -> bool:
    """Ask for a page; what it says of why not goes to the container's log."""
    try:
        with urllib.request.urlopen(page, timeout=ANSWER_S_MAX) as answer:  # noqa: S310 - http, as asked for
            return bool(answer.status == HTTPStatus.OK)
    except urllib.error.HTTPError as error:
        with error:
            sys.stderr.write(error.read().decode())
        return False


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
