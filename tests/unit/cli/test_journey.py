"""A story as the lines of a terminal."""

from google.protobuf.timestamp_pb2 import Timestamp

from paystream.common.v1.money_pb2 import SignedMoney
from paystream.journey.v1 import journey_pb2 as pb
from paytools.cli.commands import journey

LAST_SECOND = 1_795_391_999  # 2026-11-22 23:59:59 UTC
TRANSACTION = "txn_" + "1" * 32
WITHDRAWAL = "wdr_" + "2" * 32


def euro(amount_minor: int) -> SignedMoney:
    return SignedMoney(amount_minor=amount_minor, currency_code="EUR")


def booking(detail: str) -> pb.Step:
    return pb.Step(
        occur_time=Timestamp(seconds=LAST_SECOND, nanos=125_000_000),
        kind=pb.STEP_KIND_TRANSACTION,
        resource_id=TRANSACTION,
        what="WithdrawalCompleted",
        amount=euro(1_044_877),
        detail=detail,
        entries=[pb.JournalEntry(account_kind="merchant.withdrawing", effect=euro(-1_044_877))],
    )


def completed() -> pb.Step:
    return pb.Step(
        occur_time=Timestamp(seconds=LAST_SECOND + 1),
        kind=pb.STEP_KIND_WITHDRAWAL,
        resource_id=WITHDRAWAL,
        what="COMPLETED",
    )


def lines(steps: list[pb.Step], *, columns: int) -> list[str]:
    return [line.plain.rstrip() for line in journey.story_lines(steps, columns)]


def test_a_detail_that_fits_stands_beside_its_step_and_days_stand_above_theirs() -> None:
    assert lines([booking("by night"), completed()], columns=120) == [
        "2026-11-22",
        f"23:59:59.125  transaction WithdrawalCompleted  {TRANSACTION}   10448.77 EUR  by night",
        f"{'':47}  merchant.withdrawing                -10448.77 EUR",
        "2026-11-23",
        f"00:00:00.000  withdrawal COMPLETED             {WITHDRAWAL}",
    ]


def test_a_detail_that_does_not_fit_stands_below_its_step() -> None:
    shown = lines([booking(WITHDRAWAL)], columns=120)
    assert shown[1:3] == [
        f"23:59:59.125  transaction WithdrawalCompleted  {TRANSACTION}   10448.77 EUR",
        f"{'':47}{WITHDRAWAL}",
    ]
    assert max(map(len, shown)) <= 120


def test_a_story_without_steps_has_no_lines() -> None:
    assert lines([], columns=120) == []
