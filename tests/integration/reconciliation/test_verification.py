"""`paystream recon verify` finds what is wrong between lines, movements and outcomes, and against the ledger."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from typer.testing import CliRunner, Result

from paykit.testing import databases
from paykit.testing.outbox_events import outbox_events
from paystream.accounting.v1.events import TransactionCreated
from paystream.payment.v1.events import LateCaptureReceived
from paytools.cli.commands.recon.reporting import app
from services.accounting.service import SERVICE as ACCOUNTING
from services.reconciliation import jobs
from services.reconciliation.service import SERVICE
from tests.conftest import RuntimeOf
from tests.integration.accounting import books
from tests.integration.damage import damage
from tests.integration.reconciliation.matching import Matcher
from tests.integration.reconciliation.resolving import Desk
from tests.unit.accounting.ledger import late

RULES = '[[rule]]\nkind = "REFERENCE"\n[[rule]]\nkind = "BATCH"\noperation = "PAY"\n'
NAMELESS = {"channel_reference": None, "attempt_id": None, "related_no": None}


@pytest.fixture
async def database_url(template: str) -> AsyncIterator[str]:
    """A fresh database: a ledger is never empty."""
    async with databases.database(template) as url:
        yield url


@pytest.fixture
async def matched(runtime_of: RuntimeOf) -> Matcher:
    """Lines and movements that ended in every way, a statement reconciled, and a ledger that was followed."""
    matcher, ledger = Matcher(await runtime_of(SERVICE)), await runtime_of(ACCOUNTING)
    await matcher.use(RULES)
    await matcher.record(*(matcher.movement(number) for number in (1, 2, 3, 4)))
    await matcher.record(*(matcher.movement(number, operation="PAY", amount_minor=100) for number in (5, 6)))
    await matcher.report(
        *(matcher.line(number) for number in (1, 1, 2)),
        matcher.line(3, amount_minor=1),
        matcher.line(5, operation="PAY", amount_minor=200, **NAMELESS),
        matcher.line(7),
        closed=True,
    )
    await matcher.match()
    matcher.pass_time(days=4)
    await matcher.match()
    await jobs.reconcile_statements(matcher.runtime)
    await matcher.report(matcher.line(8, statement_id="stm_open"))
    await matcher.record(matcher.movement(9))
    await books.consume(ledger, late(LateCaptureReceived, 1), late(LateCaptureReceived, 2))
    events = [ledger.codec.decode(row["value"]) for row in await outbox_events(ledger)]
    await Desk(matcher.runtime).deliver(*(event for event in events if isinstance(event, TransactionCreated)))
    return matcher


async def run(admin_url: str) -> Result:
    """Run the command in a thread, for it has an event loop of its own."""
    arguments = ["verify", "--postgres", admin_url, "--wait", "0"]
    return await asyncio.to_thread(CliRunner().invoke, app, arguments, env={"COLUMNS": "200", "NO_COLOR": "1"})


@pytest.mark.usefixtures("matched")
async def test_what_is_sound_exits_0_and_says_what_was_checked(admin_url: str) -> None:
    result = await run(admin_url)
    assert result.exit_code == 0, result.output
    assert [line[4:].split("  ")[0] for line in result.stdout.splitlines() if line.startswith("ok  ")] == [
        *("lines", "movements", "outcomes without a side", "pairs", "discrepancies", "bookings"),
        *("statements", "files", "uncleared"),
    ]
    assert "The reconciliation is right: 7 lines, 7 movements." in result.stdout


FIRST = "(SELECT min(line_no) FROM reconciliation.line_outcome WHERE status = '{}')"
MATCHED, MISSING = FIRST.format("MATCHED"), FIRST.format("MISSING_INTERNAL")
OPEN_COLUMNS = "line_no, statement_id, channel, operation, amount_minor, currency_code"
DAMAGES = {
    f"DELETE FROM line_outcome WHERE line_no = {MATCHED}": "lines: line 1, line 1: has no outcome and does not wait",
    f"DELETE FROM open_line WHERE line_no = {MISSING}": "is MISSING_INTERNAL and does not wait for what is missing",
    f"""INSERT INTO open_line ({OPEN_COLUMNS}, fresh)
        SELECT {OPEN_COLUMNS}, true FROM statement_line WHERE line_no = {MATCHED}""": "is MATCHED and waits for an",
    "UPDATE open_line SET amount_minor = 1 WHERE statement_id = 'stm_open'": "waits as another than it is",
    "DELETE FROM movement_outcome WHERE status = 'MATCHED'": "movements: CAPTURE:cap_",
    "DELETE FROM open_movement WHERE NOT fresh": "is MISSING_CHANNEL and does not wait for its line",
    "INSERT INTO open_movement SELECT movement_id, 'cards', true FROM movement_outcome WHERE status = 'MATCHED'": (
        "is MATCHED and waits for a line"
    ),
    "UPDATE open_movement SET channel = 'other'": "waits at other, and moved at cards",
    "INSERT INTO line_outcome VALUES (999, 'MATCHED', 'TEXT', NULL)": "line 999: is not there, and has an outcome",
    "DELETE FROM internal_transaction WHERE related_no LIKE 'cap%'": "is not there, and has an outcome",
    f"UPDATE line_outcome SET status = 'DUPLICATE' WHERE line_no = {MATCHED}": "is DUPLICATE and does not wait for",
    f"UPDATE line_outcome SET status = 'FEE_MISMATCH' WHERE line_no = {MATCHED}": "pairs: CAPTURE:cap_",
    "UPDATE open_line SET differs = NOT differs WHERE line_no = (SELECT min(line_no) FROM open_line)": "waits as",
    f"UPDATE line_outcome SET movement_id = NULL WHERE line_no = {MATCHED}": "which has none",
    "UPDATE line_outcome SET movement_id = 'CAPTURE:none' WHERE status = 'DUPLICATE'": "which has no line",
    "DELETE FROM discrepancy WHERE kind = 'AMOUNT_MISMATCH'": "AMOUNT_MISMATCH, and no discrepancy says so",
    "DELETE FROM discrepancy WHERE kind = 'MISSING_CHANNEL'": "MISSING_CHANNEL, and no discrepancy says so",
    "UPDATE discrepancy SET kind = 'FEE_MISMATCH' WHERE kind = 'DUPLICATE'": "discrepancies: ",
    "DELETE FROM open_booking": "bookings: LateCaptureReceived of cap_",
    "UPDATE movement_booking SET told = true": "is booked and told, and waits",
    "DELETE FROM statement WHERE state = 'OPEN'": "statements: stm_open: is not there, and has 1 lines",
    "UPDATE statement SET channel = 'other'": "has lines of another channel",
    "UPDATE statement SET line_count = 7 WHERE state = 'RECONCILED'": "is reconciled with 7 lines; it has 6, of",
    "UPDATE statement_line SET statement_id = 'stm_open' WHERE line_no = 1": "is reconciled with 6 lines; it has 5",
    "UPDATE uncleared SET amount_minor = amount_minor + 1": "uncleared: suspense USD: what has not cleared adds up to",
}


@pytest.mark.usefixtures("matched")
async def test_every_kind_of_damage_exits_1_and_is_named(admin_url: str) -> None:
    for statement, said in DAMAGES.items():
        await damage(admin_url, *kept_beside(), "SET search_path = reconciliation", statement)
        result = await run(admin_url)
        assert (result.exit_code, said in result.stderr) == (1, True), (statement, result.output)
        await damage(admin_url, *put_back())
    assert (await run(admin_url)).exit_code == 0


@pytest.mark.usefixtures("matched")
async def test_a_file_whose_lines_are_not_all_on_its_statements_is_named(admin_url: str) -> None:
    await damage(
        admin_url,
        """INSERT INTO reconciliation.statement_file VALUES
            ('stf_' || repeat('1', 32), 'cards', 'CSV', 'day.csv', sha256('x'), 1, 8, 1, 'ann', now())""",
        """UPDATE reconciliation.statement SET file_id = 'stf_' || repeat('1', 32), section = 0
            WHERE state = 'RECONCILED'""",
    )
    result = await run(admin_url)
    assert (result.exit_code, "files: stf_" in result.stderr) == (1, True), result.output
    assert "was imported with 8 lines, 1 of them known; its statements have 6" in result.stderr


@pytest.mark.usefixtures("matched")
async def test_what_a_channel_says_of_a_day_against_its_lines_is_named_and_is_no_difference(admin_url: str) -> None:
    # Captures of 100.00 three times and of 0.01 once, and one more that nobody knows; the payouts are the bank's.
    statement = "UPDATE reconciliation.statement SET source = 'CHANNEL', acquirer_net_minor = {} WHERE state <> 'OPEN'"
    await damage(admin_url, statement.format(40_001))
    assert "see " not in (await run(admin_url)).stdout
    await damage(admin_url, statement.format(40_000))
    result = await run(admin_url)
    assert (result.exit_code, "says 6 lines and a net of 40000; there are 6 with 40001" in result.stdout) == (0, True)


TABLES = (
    *("line_outcome", "open_line", "movement_outcome", "open_movement", "internal_transaction", "discrepancy"),
    *("statement", "statement_line", "uncleared", "movement_booking", "open_booking"),
)


def kept_beside() -> list[str]:
    return [f"CREATE TABLE kept_{table} AS SELECT * FROM reconciliation.{table}" for table in TABLES]


def put_back() -> list[str]:
    return [
        statement
        for table in TABLES
        for statement in (
            f"DELETE FROM reconciliation.{table}",
            f"INSERT INTO reconciliation.{table} OVERRIDING SYSTEM VALUE SELECT * FROM kept_{table}",
            f"DROP TABLE kept_{table}",
        )
    ]
