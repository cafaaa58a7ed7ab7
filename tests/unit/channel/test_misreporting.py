"""Lines that are wrong on purpose: by the exact amount of a capture, one difference each."""

import pytest

from paystream.channel.v1.events import ChannelOperation, ChannelOutcome
from services.channel.domain.line import reported
from services.channel.domain.misreporting import reported_lines
from tests.unit.channel.test_statement import line

Shown = tuple[str, int, str, int]


def shown(operation: ChannelOperation, amount_minor: int, currency_code: str = "USD") -> list[Shown]:
    """Operation, amount, currency and fee of the lines that are reported; the true fee is 15."""
    true = reported(line(operation, amount_minor=amount_minor, currency_code=currency_code, fee_minor=15), version=1)
    lines = reported_lines(true)
    assert len({each.line_id for each in lines}) == len(lines)
    return [(each.operation, each.amount_minor, each.currency_code, each.channel_fee_minor) for each in lines]


@pytest.mark.parametrize(
    ("amount_minor", "lines"),
    [
        (990_020, [("CAPTURE", 990_020, "USD", 15)]),
        (990_021, [("CAPTURE", 990_121, "USD", 15)]),
        (990_022, [("CAPTURE", 990_022, "EUR", 15)]),
        (990_023, [("CAPTURE", 990_023, "USD", 65)]),
        (990_024, [("CAPTURE", 990_024, "USD", 15)] * 2),
        (990_025, []),
        (990_026, [("CAPTURE", 990_026, "USD", 15), ("ADJUSTMENT", 990_026, "USD", 15)]),
        (990_028, [("CAPTURE", 990_028, "USD", 15)]),
    ],
)
def test_a_capture_of_a_certain_amount_is_misreported(amount_minor: int, lines: list[Shown]) -> None:
    assert shown(ChannelOperation.CAPTURE, amount_minor) == lines


def test_another_currency_is_misreported_as_dollars() -> None:
    assert shown(ChannelOperation.CAPTURE, 990_022, "JPY") == [("CAPTURE", 990_022, "USD", 15)]


@pytest.mark.parametrize("operation", [ChannelOperation.REFUND, ChannelOperation.PAY])
def test_what_is_no_capture_is_reported_as_it_is(operation: ChannelOperation) -> None:
    assert shown(operation, 990_025) == [(operation, 990_025, "USD", 15)]


def test_a_capture_is_reported_as_failed() -> None:
    true = reported(line(ChannelOperation.CAPTURE, amount_minor=990_027), version=1)
    assert [each.outcome for each in reported_lines(true)] == [ChannelOutcome.FAILED]
