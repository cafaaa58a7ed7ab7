"""A process that makes calls as `paystream call` does, one grpcurl command after the other."""

import json
import socketserver
import sys
from collections.abc import Sequence

from typer.testing import CliRunner

from paytools.cli.main import application

PAYSTREAM = application("call")


def arguments_of(given: Sequence[str]) -> list[str]:
    """Say a grpcurl command in the words of `paystream call`."""
    *options, address, method = [each for each in given if each != "-plaintext"]
    return ["call", method, "--address", address, *options]


class _Calls(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        given, read = json.loads(self.rfile.readline())
        result = CliRunner().invoke(PAYSTREAM, arguments_of(given), input=read)
        self.wfile.write(json.dumps([result.exit_code, result.stdout, result.stderr]).encode() + b"\n")


if __name__ == "__main__":
    with socketserver.UnixStreamServer(sys.argv[1], _Calls) as server:
        print("ready", flush=True)  # noqa: T201  Its output is a signal.
        server.serve_forever()
