# ruff: noqa: INP001  (a script of the image, not a module of a package)
"""Exit 0 if the gRPC health service at the given address says SERVING: the health check of the image."""

import sys

import grpc
from grpc_health.v1 import health_pb2

ANSWER_S_MAX = 3.0


def main(address: str) -> int:
    """Ask once; an unreachable server ends in a traceback, which the container's log then shows."""
    with grpc.insecure_channel(address) as channel:
        check = channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
            response_deserializer=health_pb2.HealthCheckResponse.FromString,
        )
        answer = check(health_pb2.HealthCheckRequest(), timeout=ANSWER_S_MAX)
    return int(answer.status != health_pb2.HealthCheckResponse.SERVING)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
