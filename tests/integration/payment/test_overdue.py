"""Attempts without an outcome for too long: listed, counted, told of in the log, and shown by the command."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs
from typer.testing import CliRunner

from paykit.channels.attempts import OUTCOME_WITHIN_S, inquiry_pause_s
from paykit.errors import PageTokenInvalid
from paykit.ids import new_id
from paykit.serve import server as grpc_server
from paykit.serve.server import ServerOptions
from paystream.payment.v1 import payment_pb2 as pb
from paytools.cli.commands.oversight import payments
from services.payment.jobs import overdue
from services.payment.service import SERVICE
from tests.integration.payment.conftest import ANY, House

MINUTE_S = 60.0


async def unknown(house: House) -> str:
    """Make a payment whose charge goes unanswered; give the attempt's id."""
    house.channel.fate = lambda _request: "lost_before"
    paid = await house.paid()
    return (await house.attempts(paid.payment_id))[0].attempt_id


async def age(house: House, attempt_id: str, seconds: float) -> None:
    """Have an attempt been sent this long ago."""
    sql = "UPDATE attempt SET start_time = clock_timestamp() - $2::float8 * interval '1 s' WHERE attempt_id = $1"
    await house.runtime.transaction(lambda tx: tx.run(sql, attempt_id, seconds))


async def listed(house: House, **fields: Any) -> pb.ListOverdueAttemptsResponse:
    return await house.call.ListOverdueAttempts(pb.ListOverdueAttemptsRequest(**fields), ANY)


def metric(name: str, channel: str = "simulator") -> float | None:
    return REGISTRY.get_sample_value(name, {"service": "payment", "channel": channel})


async def test_what_has_had_no_outcome_for_too_long_is_listed_the_longest_waiting_first(house: House) -> None:
    attempts = [await unknown(house) for _ in range(4)]
    ages = [OUTCOME_WITHIN_S + 60, OUTCOME_WITHIN_S + 7_200, OUTCOME_WITHIN_S - 60, OUTCOME_WITHIN_S + 3_600]
    for attempt_id, seconds in zip(attempts, ages, strict=True):
        await age(house, attempt_id, seconds)
    house.channel.fate = lambda _request: "approve"
    paid = await house.paid()
    await age(house, (await house.attempts(paid.payment_id))[0].attempt_id, 86_400)

    everything = await listed(house)
    first = await listed(house, page_size=2)
    second = await listed(house, page_size=2, page_token=first.next_page_token)

    assert [each.attempt.attempt_id for each in everything.attempts] == [attempts[1], attempts[3], attempts[0]]
    assert [each.attempt.attempt_id for each in (*first.attempts, *second.attempts)] == [
        each.attempt.attempt_id for each in everything.attempts
    ]
    assert (len(first.attempts), second.next_page_token) == (2, "")
    oldest = everything.attempts[0]
    assert (oldest.merchant_id, oldest.channel, oldest.amount.amount_minor) == (house.merchant_id, "simulator", 10_000)
    assert (oldest.attempt.action, oldest.attempt.state) == (pb.ATTEMPT_ACTION_CHARGE, pb.ATTEMPT_STATE_UNKNOWN)
    assert 8_100 <= oldest.unanswered_seconds < 8_100 + MINUTE_S
    chosen = await listed(house, merchant_id=house.merchant_id, channel="simulator", currency_code="USD")
    assert chosen == everything
    for others in ({"merchant_id": new_id("mer")}, {"channel": "other"}, {"currency_code": "JPY"}):
        assert list((await listed(house, **others)).attempts) == []
    with pytest.raises(PageTokenInvalid):
        await listed(house, page_token="nonsense")


async def test_one_line_and_the_metrics_tell_of_them_until_evidence_ends_them(house: House) -> None:
    for seconds in (1_000, 2_000):
        await age(house, await unknown(house), seconds)

    with capture_logs() as logs:
        assert await overdue.report(house.runtime) is False

    [line] = [entry for entry in logs if entry["event"] == "attempts_overdue"]
    assert (line["log_level"], line["attempts"], line["channels"]) == ("warning", 2, ["simulator"])
    assert 2_000 <= line["oldest_s"] < 2_000 + MINUTE_S
    assert metric("paystream_attempts_overdue") == 2
    assert 2_000 <= (metric("paystream_attempts_overdue_oldest_seconds") or 0) < 2_000 + MINUTE_S

    await house.inquire()
    with capture_logs() as logs:
        await overdue.report(house.runtime)

    assert [entry for entry in logs if entry["event"] == "attempts_overdue"] == []
    assert metric("paystream_attempts_overdue") == 0
    assert metric("paystream_attempts_overdue_oldest_seconds") == 0
    assert (await listed(house)).attempts == []


async def test_inquiries_come_less_and_less_often_and_never_end() -> None:
    assert [inquiry_pause_s(count) for count in (0, 1, 2, 8, 9, 10_000)] == [1.0, 2.0, 4.0, 256.0, 300.0, 300.0]


async def test_the_command_shows_them(house: House, tmp_path: Path) -> None:
    address = f"unix:{tmp_path}/overdue.sock"
    server = await grpc_server.start(SERVICE.servicers(house.runtime), ServerOptions(address=address))

    async def run(*arguments: str) -> tuple[int, list[str]]:
        given = ["overdue", "--address", address, *arguments]
        with capture_logs():  # The server's, whose lines would stand among those of the command.
            result = await asyncio.to_thread(CliRunner().invoke, payments.app, given)
        return result.exit_code, result.output.splitlines()

    nothing = await run()
    attempts = [await unknown(house) for _ in range(3)]
    for attempt_id in attempts:
        await age(house, attempt_id, 100_000 - attempts.index(attempt_id))
    status, lines = await run()
    _, limited = await run("--limit", "2")
    await server.stop(1.0)

    assert nothing == (0, ["No attempt is overdue."])
    assert (status, len(lines), len(limited)) == (0, 4, 3)
    assert [line.split()[0] for line in lines[1:]] == attempts
    assert lines[1].split()[2:6] == [house.merchant_id, "CHARGE", "100.00", "USD"]
    assert lines[1].split("  ")[-1].startswith("1 day, 3:4")
    gone = await asyncio.to_thread(CliRunner().invoke, payments.app, ["overdue", "--home", str(tmp_path)])
    assert gone.exit_code == 1
