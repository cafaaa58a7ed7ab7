"""Spans of time as a person writes them."""

from datetime import timedelta

import pytest
import typer

from paytools.cli.commands.clock import parse_span


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("26h", timedelta(hours=26)),
        ("1d12h", timedelta(days=1, hours=12)),
        ("2w", timedelta(days=14)),
        ("90m", timedelta(hours=1, minutes=30)),
        ("1h30m15s", timedelta(seconds=5415)),
    ],
)
def test_a_span_is_the_sum_of_its_pieces(text: str, span: timedelta) -> None:
    assert parse_span(text) == span


@pytest.mark.parametrize("text", ["", "26", "h", "1.5h", "-1h", "1 h", "1y", "0h", "999999999w", "٣h"])
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        parse_span(text)
