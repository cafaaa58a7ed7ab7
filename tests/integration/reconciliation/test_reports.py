"""Reports by channel and day: each line and each movement is counted once, whatever became of it."""

import asyncio
import csv
import io
import itertools
import json
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from paykit.errors import FieldInvalid
from paykit.serve.reply_sizes import REST_BYTES_MAX
from paystream.reconciliation.v1 import reconciliation_pb2_grpc
from paystream.reconciliation.v1 import report_pb2 as pb
from paytools.cli.commands.recon.reporting import app
from services.reconciliation import store
from services.reconciliation.domain.movement import ChannelMovement
from services.reconciliation.domain.statement import ReportedLine
from services.reconciliation.rpc.reconciliation import ReconciliationServicer
from tests.integration.reconciliation.matching import CHANNEL, DAY, NOON, Matcher, failed_attempt
from tests.line.replies import checked

ANY: Any = None
JSON = pb.REPORT_FORMAT_JSON
DAYS = 3
NAMELESS: dict[str, Any] = {"channel_reference": None, "attempt_id": None, "related_no": None}
_channels = itertools.count(1)


async def exported(
    matcher: Matcher, *, channel: str = CHANNEL, days: int = 1, format_: Any = JSON, items: bool = False
) -> list[bytes]:
    """The chunks of a report from DAY on."""
    request = pb.ExportReportRequest(
        channel=channel,
        first_date=str(DAY),
        last_date=str(DAY + timedelta(days=days - 1)),
        format=format_,
        items=items,
    )
    return [
        response.document.data
        async for response in checked(ReconciliationServicer(matcher.runtime)).ExportReport(request, ANY)
    ]


async def rows(matcher: Matcher, **wanted: Any) -> list[dict[str, Any]]:
    """The rows of a report in JSON."""
    return [json.loads(line) for line in b"".join(await exported(matcher, **wanted)).splitlines()]


def told(row: dict[str, Any]) -> tuple[Any, ...]:
    """What a row says but for its channel and day."""
    names = ("side", "operation", "outcome", "status", "item_count", "amount_minor", "channel_fee_minor")
    return (*(row[name] for name in names), row["resolved_count"])


async def day_of_all_kinds(matcher: Matcher) -> None:
    """Lines and movements of a day, of which each ends differently; of two that differ one is explained."""
    await matcher.use('[[rule]]\nkind = "REFERENCE"\n')
    await matcher.record(*(matcher.movement(number, amount_minor=number * 1_000) for number in (1, 2, 3, 4, 5)))
    await matcher.record(failed_attempt(7))
    await matcher.report(
        matcher.line(1, amount_minor=1_000, channel_fee_minor=15),
        matcher.line(2, amount_minor=2_000, channel_fee_minor=30),
        matcher.line(3, amount_minor=3_001),
        matcher.line(3, amount_minor=3_000),
        matcher.line(5, amount_minor=5_001),
        matcher.line(6, amount_minor=6_000),
        matcher.line(7, amount_minor=7_000),
        matcher.line(8, operation="AUTHORIZE", amount_minor=8_000),
        matcher.line(9, outcome="FAILED", amount_minor=9_000),
    )
    await matcher.match()
    matcher.pass_time(hours=2)
    await matcher.match()
    await matcher.report(matcher.line(10, amount_minor=500, currency_code="JPY", operation="PAY"))
    explained = "UPDATE discrepancy SET state = 'RESOLVED', resolution = 'EXPLAINED' WHERE kind = 'AMOUNT_MISMATCH'"
    await matcher.runtime.transaction(lambda tx: tx.run(explained))


async def test_a_day_is_counted_and_summed_up_by_what_became_of_each(matcher: Matcher) -> None:
    await day_of_all_kinds(matcher)
    day = await rows(matcher)
    assert {(row["row"], row["channel"], row["day"]) for row in day} == {("SUM", CHANNEL, "2026-03-01")}
    yen, *dollars = day
    assert (yen["currency_code"], told(yen)) == ("JPY", ("LINE", "PAY", "SUCCEEDED", "WAITING", 1, 500, 0, 0))
    assert [told(row) for row in dollars] == [
        ("LINE", "AUTHORIZE", "SUCCEEDED", "NO_COUNTERPART", 1, 8_000, 0, 0),
        ("LINE", "CAPTURE", "FAILED", "NO_COUNTERPART", 1, 9_000, 0, 0),
        ("LINE", "CAPTURE", "SUCCEEDED", "AMOUNT_MISMATCH", 1, 5_001, 0, 1),
        ("LINE", "CAPTURE", "SUCCEEDED", "CONTRADICTED", 1, 7_000, 0, 0),
        ("LINE", "CAPTURE", "SUCCEEDED", "DUPLICATE", 1, 3_001, 0, 0),
        ("LINE", "CAPTURE", "SUCCEEDED", "MATCHED", 3, 6_000, 45, 0),
        ("LINE", "CAPTURE", "SUCCEEDED", "MISSING_INTERNAL", 1, 6_000, 0, 0),
        ("MOVEMENT", "CAPTURE", "SUCCEEDED", "AMOUNT_MISMATCH", 1, 5_000, 0, 1),
        ("MOVEMENT", "CAPTURE", "SUCCEEDED", "MATCHED", 3, 6_000, 0, 0),
        ("MOVEMENT", "CAPTURE", "SUCCEEDED", "WAITING", 1, 4_000, 0, 0),
    ]


async def test_items_name_both_sides_and_the_discrepancy(matcher: Matcher) -> None:
    await day_of_all_kinds(matcher)
    items = [row for row in await rows(matcher, items=True) if row["row"] == "ITEM"]
    lines = [row for row in items if row["side"] == "LINE"]
    assert (len(lines), len(items)) == (10, 15)
    assert lines[0] == {
        "row": "ITEM",
        "channel": CHANNEL,
        "day": "2026-03-01",
        "currency_code": "USD",
        "side": "LINE",
        "operation": "CAPTURE",
        "outcome": "SUCCEEDED",
        "status": "MATCHED",
        "item_count": 1,
        "amount_minor": 1_000,
        "channel_fee_minor": 15,
        "resolved_count": 0,
        "item_id": "line 1",
        "counterpart_id": matcher.movement(1).movement_id,
        "rule": "REFERENCE:channel_reference",
        "statement_id": matcher.line(1).statement_id,
        "related_no": matcher.movement(1).related_no,
        "attempt_id": matcher.movement(1).attempt_id,
        "channel_reference": "ch_1",
        "root_reference": matcher.movement(1).root_reference,
        "merchant_id": matcher.movement(1).merchant_id,
    }
    differing = {row["side"]: row for row in items if row["status"] == "AMOUNT_MISMATCH"}
    found = await matcher.runtime.read(
        lambda tx: tx.fetch("SELECT discrepancy_id FROM discrepancy WHERE kind = 'AMOUNT_MISMATCH'")
    )
    assert [differing[side]["discrepancy_id"] for side in ("LINE", "MOVEMENT")] == [found[0]["discrepancy_id"]] * 2
    assert differing["MOVEMENT"]["counterpart_id"] == differing["LINE"]["item_id"] == "line 5"


async def test_csv_says_the_same_as_json(matcher: Matcher) -> None:
    await day_of_all_kinds(matcher)
    for items in (False, True):
        text = b"".join(await exported(matcher, format_=pb.REPORT_FORMAT_CSV, items=items)).decode()
        in_csv = list(csv.DictReader(io.StringIO(text, newline="")))
        in_json = await rows(matcher, items=items)
        named = [{name: value for name, value in row.items() if value} for row in in_csv]
        assert named == [{name: str(value) for name, value in row.items()} for row in in_json]
        assert ("item_id" in in_csv[0]) is items


HOSTILE = ("=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", "|calc", "%0a", "＝1", 'a,"b"\r\nSUM,', "\u2028x")  # noqa: RUF001


async def test_no_text_is_a_formula_or_breaks_a_row(matcher: Matcher) -> None:
    await matcher.report(*(matcher.line(0, **NAMELESS | {"channel_reference": text}) for text in HOSTILE))
    text = b"".join(await exported(matcher, format_=pb.REPORT_FORMAT_CSV, items=True)).decode()
    cells = [row["channel_reference"] for row in csv.DictReader(io.StringIO(text, newline="")) if row["row"] == "ITEM"]
    assert sorted(cells) == sorted([f"'{text}" for text in HOSTILE[:10]] + list(HOSTILE[10:]))
    json_lines = b"".join(await exported(matcher, items=True)).decode()
    read = [json.loads(line) for line in json_lines.splitlines()]
    assert sorted(row["channel_reference"] for row in read if row["row"] == "ITEM") == sorted(HOSTILE)


async def test_days_are_those_of_the_range_each_of_lines_and_movements_its_own(matcher: Matcher) -> None:
    midnight = NOON + timedelta(hours=12)
    await matcher.record(
        matcher.movement(1, occurred_at=midnight - timedelta(microseconds=1)),
        matcher.movement(2, occurred_at=midnight),
        matcher.movement(3, occurred_at=NOON - timedelta(days=1)),
        matcher.movement(4, channel="bank"),
    )
    await matcher.report(*(matcher.line(n, line_date=DAY + timedelta(days=n)) for n in (-1, 0, 1, 2)))
    seen = [(row["day"], row["side"], row["item_count"]) for row in await rows(matcher, days=2)]
    assert seen == [
        ("2026-03-01", "LINE", 1),
        ("2026-03-01", "MOVEMENT", 1),
        ("2026-03-02", "LINE", 1),
        ("2026-03-02", "MOVEMENT", 1),
    ]
    assert await rows(matcher, channel="nobody", days=92) == []


@pytest.mark.parametrize(
    ("first", "last", "field"),
    [
        ("2026-02-30", "2026-03-01", "first_date"),
        ("2026-03-01", "2026-13-01", "last_date"),
        ("2026-03-02", "2026-03-01", "last_date"),
        ("2026-01-01", "2026-04-03", "last_date"),
    ],
)
async def test_a_range_that_is_none_or_too_long_is_refused(matcher: Matcher, first: str, last: str, field: str) -> None:
    request = pb.ExportReportRequest(channel=CHANNEL, first_date=first, last_date=last)
    with pytest.raises(FieldInvalid) as refused:
        [response async for response in checked(ReconciliationServicer(matcher.runtime)).ExportReport(request, ANY)]
    assert refused.value.field == field


async def test_a_report_of_many_items_comes_in_bounded_chunks(matcher: Matcher) -> None:
    # More than two pages of the cursor, and more than is kept in memory.
    await matcher.report(*(matcher.line(number, text="x" * 400) for number in range(2_500)))
    whole = b"".join(chunks := await exported(matcher, items=True))
    assert (max(map(len, chunks)), len(whole) > 3 * 256 * 1024) == (256 * 1024, True)
    items = [row["item_id"] for row in map(json.loads, whole.splitlines()) if row["row"] == "ITEM"]
    assert (len(items), len(set(items))) == (2_500, 2_500)
    small = matcher.runtime.settings.model_copy(update={"grpc_reply_bytes_max": REST_BYTES_MAX + 1_000})
    matcher.runtime.settings = small
    chunks = await exported(matcher, items=True)
    assert (b"".join(chunks), max(map(len, chunks))) == (whole, 1_000)


async def test_the_command_writes_a_new_file_and_no_other(matcher: Matcher, tmp_path: Path) -> None:
    await day_of_all_kinds(matcher)
    server = grpc.aio.server()
    reconciliation_pb2_grpc.add_ReconciliationOperationsServiceServicer_to_server(
        ReconciliationServicer(matcher.runtime), server
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    to, file = ["--address", f"127.0.0.1:{port}"], tmp_path / "day.jsonl"
    asked = ["report", "--channel", CHANNEL, "--from", str(DAY), "--to", str(DAY), "--format", "json", "--items", *to]
    for exit_code in (0, 1):
        done = await asyncio.to_thread(CliRunner().invoke, app, [*asked, "--output", str(file)])
        assert done.exit_code == exit_code, done.output
    await server.stop(None)
    assert file.read_bytes() == b"".join(await exported(matcher, items=True))


ON_ONE_MATCHER = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
RULES = """
[[rule]]
kind = "REFERENCE"
[[rule]]
kind = "REFERENCE"
by = "related_no"
tolerance_minor = 1
[[rule]]
kind = "TEXT"
[[rule]]
kind = "WINDOW"
days = 1
[[rule]]
kind = "BATCH"
operation = "PAY"
[fee]
basis_points = 150
"""
OPERATIONS = st.sampled_from(["CAPTURE", "CAPTURE", "REFUND", "PAY"])
MOVEMENTS = st.fixed_dictionaries(
    {
        "number": st.integers(0, 4),
        "operation": OPERATIONS,
        "amount_minor": st.integers(1, 3),
        "days": st.integers(0, DAYS - 1),
    }
)
LINES = st.fixed_dictionaries(
    {
        "number": st.integers(0, 5),
        "operation": st.sampled_from(["CAPTURE", "CAPTURE", "REFUND", "PAY", "AUTHORIZE", "FEE"]),
        "amount_minor": st.integers(1, 3),
        "channel_fee_minor": st.sampled_from([0, 0, 1]),
        "currency_code": st.sampled_from(["USD", "USD", "USD", "EUR"]),
        "outcome": st.sampled_from(["SUCCEEDED", "SUCCEEDED", "FAILED"]),
        "named": st.sampled_from(["all", "related_no", "text", "nothing"]),
        "days": st.integers(0, DAYS - 1),
    }
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("record"), st.lists(MOVEMENTS, min_size=1, max_size=6)),
        st.tuples(st.just("report"), st.lists(LINES, min_size=1, max_size=6)),
        st.tuples(st.just("pass"), st.sampled_from([2, 80])),
    ),
    min_size=2,
    max_size=7,
)


@ON_ONE_MATCHER
@given(steps=STEPS)
async def test_matched_and_different_and_waiting_and_what_has_no_counterpart_are_all_there_is(
    matcher: Matcher, steps: list[tuple[str, Any]]
) -> None:
    channel = f"{CHANNEL}{next(_channels)}"
    await matcher.use(RULES, channel=channel)
    kept = Kept()
    for name, given_ in steps:
        if name == "record":
            await matcher.record(*kept.movements(matcher, channel, given_))
        elif name == "report":
            await matcher.report(*kept.lines(matcher, channel, given_))
        else:
            matcher.pass_time(hours=given_)
        await matcher.match()
    report = await rows(matcher, channel=channel, days=DAYS, items=True)
    items = [row for row in report if row["row"] == "ITEM"]
    sums = [row for row in report if row["row"] == "SUM"]
    # Each once, whichever of them it is.
    assert Counter((row["side"], row["item_id"], row["day"], row["amount_minor"]) for row in items) == kept.all_items
    assert {row["status"] for row in sums} <= STATUSES
    assert sum(row["item_count"] for row in sums) == kept.all_items.total()
    assert sum(row["amount_minor"] for row in sums) == sum(key[3] for key in kept.all_items)
    # And what is said of each together is what is said of each alone.
    assert added_up(items) == added_up(sums)
    assert len(added_up(sums)) == len(sums)
    assert await rows(matcher, channel=channel, days=DAYS) == sums
    decided = {(row["side"], row["item_id"]): row for row in items}
    for row in items:
        if row["side"] == "MOVEMENT" and "counterpart_id" in row:
            assert decided["LINE", row["counterpart_id"]]["status"] == row["status"]
    await matcher.runtime.read(store.verification.check_outcomes)


STATUSES = {
    *("MATCHED", "AMOUNT_MISMATCH", "CURRENCY_MISMATCH", "FEE_MISMATCH", "DUPLICATE"),
    *("MISSING_INTERNAL", "MISSING_CHANNEL", "CONTRADICTED", "WAITING", "NO_COUNTERPART"),
}
SUMMED = ("item_count", "amount_minor", "channel_fee_minor", "resolved_count")


def added_up(report: list[dict[str, Any]]) -> dict[tuple[str, ...], tuple[int, ...]]:
    """Sums by day, currency, side, operation, outcome and status."""
    sums: dict[tuple[str, ...], tuple[int, ...]] = {}
    for row in report:
        key = tuple(row[name] for name in ("day", "currency_code", "side", "operation", "outcome", "status"))
        before = sums.get(key, (0, 0, 0, 0))
        sums[key] = tuple(have + row[name] for have, name in zip(before, SUMMED, strict=True))
    return sums


class Kept:
    """All that was told of a channel: side, identity, day and amount."""

    def __init__(self) -> None:
        self.all_items: Counter[tuple[str, str, str, int]] = Counter()

    def movements(self, matcher: Matcher, channel: str, drafts: list[dict[str, Any]]) -> list[ChannelMovement]:
        """Movements, several of which may be of one reference; each has an identity of its own."""
        made = []
        for draft in drafts:
            movement_id = f"{channel}:{len(self.all_items)}"
            day = draft["days"]
            changes = {"channel": channel, "movement_id": movement_id, "occurred_at": NOON + timedelta(days=day)}
            picked = {name: draft[name] for name in ("operation", "amount_minor")}
            made.append(matcher.movement(draft["number"], **picked, **changes))
            self.all_items["MOVEMENT", movement_id, str(DAY + timedelta(days=day)), draft["amount_minor"]] += 1
        return made

    def lines(self, matcher: Matcher, channel: str, drafts: list[dict[str, Any]]) -> list[ReportedLine]:
        """Lines that name all, the reference of what moved the money, an id in a text, or nothing."""
        made = []
        for draft in drafts:
            line_date: date = DAY + timedelta(days=draft["days"])
            whole = matcher.line(draft["number"])
            named: dict[str, dict[str, Any]] = {
                "all": {},
                "related_no": NAMELESS | {"related_no": whole.related_no},
                "text": NAMELESS | {"text": f"for {whole.related_no}"},
                "nothing": NAMELESS,
            }
            picked = {name: draft[name] for name in ("operation", "amount_minor", "channel_fee_minor")}
            picked |= {name: draft[name] for name in ("currency_code", "outcome")} | named[draft["named"]]
            made.append(
                matcher.line(
                    draft["number"], channel=channel, statement_id=f"stm {channel}", line_date=line_date, **picked
                )
            )
            self.all_items["LINE", made[-1].line_id, str(line_date), draft["amount_minor"]] += 1
        return made
