"""Passes a grpcurl command to the process that makes calls (tests.line.call_server); loads in milliseconds."""

import json
import socket
import sys


def main() -> int:
    place, *arguments = sys.argv[1:]
    read = sys.stdin.read() if "@" in arguments else ""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(place)
        stream = connection.makefile("rw", encoding="utf-8")
        stream.write(json.dumps([arguments, read]) + "\n")
        stream.flush()
        status, out, err = json.loads(stream.readline())
    sys.stdout.write(out)
    sys.stderr.write(err)
    return int(status)


if __name__ == "__main__":
    raise SystemExit(main())
