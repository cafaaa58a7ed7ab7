"""`python -m bench.peers.tigerbeetle --binary PATH`: payments booked by TigerBeetle and by the pipeline, in turn.

TigerBeetle's server is no package of Python's, so its binary is given; the client of the same version has to be in the
environment (`pip install tigerbeetle==VERSION`). A payment with its fee is two linked transfers, as it is two transfers
in a narrow row of the journal; the client sends them in batches of 1,000 payments and waits for each batch, which is
how it is driven from one Python program. Transfers are made before the clock starts. The pipeline is row (b): it reads
events from Kafka and tells of what it booked, which TigerBeetle leaves to others.
"""

import argparse
import asyncio
import importlib
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from rich.console import Console

from bench import children, ground, pipeline
from bench.plan import FULL, MERCHANTS_SPREAD, QUICK
from paytools.localstack import processes
from paytools.localstack.parts import probes
from paytools.localstack.processes import Command

BATCH_PAYMENTS = 1_000
ROUNDS = 3
ROUNDS_MAX = 20
FORMAT_S_MAX = 60.0
SERVES_S_MAX = 60.0
POLL_S = 0.1
LEDGER = 840
CODE = 1
PLATFORM_RECEIVED, PLATFORM_EARNED = 1, 2
"""Accounts of the platform; a merchant's are the numbers above."""
AMOUNT_MINOR, FEE_MINOR = 1_000, 30
HOME = Path(__file__).resolve().parents[2] / ".paystream" / "bench" / "tigerbeetle"


class PeerError(Exception):
    """TigerBeetle cannot be run, or has not booked what it was asked to; the text says why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure both in turn and print the ratio of their medians."""
    options = _options(arguments)
    size = QUICK if options.quick else FULL
    console = Console()
    theirs: list[float] = []
    ours: list[float] = []
    client = _client()
    with ground.running_stack(console) as endpoints:
        prepared = asyncio.run(ground.prepare(endpoints))
        for number in range(1, options.rounds + 1):
            with _server(options.binary) as address:
                theirs.append(book(client, address, payments=size.payments, merchants=MERCHANTS_SPREAD))
            ours.append(asyncio.run(pipeline.measure(prepared, payments=size.payments, merchants=MERCHANTS_SPREAD)))
            console.print(
                f"round {number}  TigerBeetle {theirs[-1]:,.0f}  pipeline {ours[-1]:,.0f} payments/s", highlight=False
            )
    ratio = statistics.median(ours) / statistics.median(theirs)
    console.print(f"pipeline, of TigerBeetle from Python: {ratio:.2f} (aim: 1.0)", highlight=False)
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.peers.tigerbeetle", description=__doc__)
    parser.add_argument("--binary", type=Path, required=True, help="TigerBeetle's server")
    parser.add_argument("--quick", action="store_true", help="small rounds, to see that all works")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"default {ROUNDS}")
    options = parser.parse_args(arguments)
    if not options.binary.is_file():
        parser.error(f"--binary: there is no file {options.binary}")
    if not 1 <= options.rounds <= ROUNDS_MAX:
        parser.error(f"--rounds must be from 1 to {ROUNDS_MAX}")
    return options


def _client() -> ModuleType:
    try:
        return importlib.import_module("tigerbeetle")
    except ImportError as error:
        raise PeerError("TigerBeetle's Python client is missing: pip install tigerbeetle==VERSION") from error


def book(client: Any, address: str, *, payments: int, merchants: int) -> float:
    """Book payments with a fee each over merchants in turn; payments/s.

    Args:
        client: The module `tigerbeetle`.
        address: Of the server.
        payments: A multiple of BATCH_PAYMENTS.
        merchants: Whose accounts are opened at once, in one message.

    Raises:
        PeerError: Not everything was booked.
    """
    with client.ClientSync(cluster_id=0, replica_addresses=address) as connection:
        numbers = (PLATFORM_RECEIVED, PLATFORM_EARNED, *range(PLATFORM_EARNED + 1, PLATFORM_EARNED + 1 + merchants))
        accounts = [client.Account(id=each, ledger=LEDGER, code=CODE) for each in numbers]
        created = connection.create_accounts(accounts)
        _check(created, len(accounts), client.CreateAccountStatus.CREATED)
        batches = [
            [each for number in range(at, at + BATCH_PAYMENTS) for each in _transfers(client, number, numbers[2:])]
            for at in range(0, payments, BATCH_PAYMENTS)
        ]
        began = time.perf_counter()
        results = [connection.create_transfers(batch) for batch in batches]
        seconds = time.perf_counter() - began
    for each in results:
        _check(each, 2 * BATCH_PAYMENTS, client.CreateTransferStatus.CREATED)
    return payments / seconds


def _transfers(client: Any, number: int, merchants: Sequence[int]) -> list[Any]:
    merchant = merchants[number % len(merchants)]
    return [
        client.Transfer(
            id=client.id(),
            debit_account_id=PLATFORM_RECEIVED,
            credit_account_id=merchant,
            amount=AMOUNT_MINOR,
            ledger=LEDGER,
            code=CODE,
            flags=client.TransferFlags.LINKED,
        ),
        client.Transfer(
            id=client.id(),
            debit_account_id=merchant,
            credit_account_id=PLATFORM_EARNED,
            amount=FEE_MINOR,
            ledger=LEDGER,
            code=CODE,
        ),
    ]


def _check(results: Sequence[Any], expected: int, created: int) -> None:
    """Refuse a figure of what was not booked: the client answers for each account or transfer."""
    refused = [each for each in results if each.status != created]
    if len(results) != expected or refused:
        raise PeerError(f"{len(results)} of {expected} were answered, {len(refused)} refused: {refused[:1]}")


@contextmanager
def _server(binary: Path) -> Iterator[str]:
    """Run a cluster of one replica on an empty data file; give its address."""
    HOME.mkdir(parents=True, exist_ok=True)
    data = HOME / "0_0.tigerbeetle"
    data.unlink(missing_ok=True)
    flags = ("--cluster=0", "--replica=0", "--replica-count=1")
    command_line: list[str | Path] = [binary, "format", *flags, data]
    subprocess.run(command_line, check=True, timeout=FORMAT_S_MAX, capture_output=True)  # noqa: S603 - as asked for
    address = children.free_address()
    argv = [str(binary), "start", f"--addresses={address}", str(data)]
    command = Command(argv=argv, environment={}, marker="\n".join(argv[1:]), directory=HOME, stop_wait_s=5.0)
    identity = processes.spawn(command, log=HOME / "server.log", tied_to_caller=True)
    try:
        give_up = time.monotonic() + SERVES_S_MAX
        while not probes.connects(address):
            if time.monotonic() > give_up or not processes.alive(identity):
                raise PeerError(f"TigerBeetle does not serve; see {HOME / 'server.log'}")
            time.sleep(POLL_S)
        yield address
    finally:
        processes.stop([identity])
        data.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())
