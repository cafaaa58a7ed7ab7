"""Statement lines that are wrong on purpose, for captures of certain amounts: what there is to find. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from paystream.channel.v1.events import ChannelOperation, ChannelOutcome, ChannelTransactionReported

Lines = list[ChannelTransactionReported]

AMOUNT_OFF_MINOR = 100
FEE_OFF_MINOR = 50
OTHER_CURRENCIES: Mapping[str, str] = MappingProxyType({"USD": "EUR"})
"""In what a line stands whose currency is wrong; EUR stands as USD, all others too."""


def _other_amount(line: ChannelTransactionReported) -> Lines:
    amount_minor = line.amount_minor + AMOUNT_OFF_MINOR
    return [replace(line, amount_minor=amount_minor, settlement_amount_minor=amount_minor)]


def _other_currency(line: ChannelTransactionReported) -> Lines:
    currency_code = OTHER_CURRENCIES.get(line.currency_code, "USD")
    return [replace(line, currency_code=currency_code, settlement_currency_code=currency_code)]


def _other_fee(line: ChannelTransactionReported) -> Lines:
    return [replace(line, channel_fee_minor=line.channel_fee_minor + FEE_OFF_MINOR)]


def _twice(line: ChannelTransactionReported) -> Lines:
    return [line, replace(line, line_id=f"{line.line_id}-again")]


def _not_at_all(_line: ChannelTransactionReported) -> Lines:
    return []


def _and_another(line: ChannelTransactionReported) -> Lines:
    """Report beside it what nobody here has asked for."""
    stray = replace(
        line,
        line_id=f"{line.line_id}-stray",
        attempt_id=None,
        related_no=None,
        operation=ChannelOperation.ADJUSTMENT,
    )
    return [line, stray]


def _failed(line: ChannelTransactionReported) -> Lines:
    return [replace(line, outcome=ChannelOutcome.FAILED)]


MISREPORTED: Mapping[int, Callable[[ChannelTransactionReported], Lines]] = MappingProxyType(
    {
        990_021: _other_amount,
        990_022: _other_currency,
        990_023: _other_fee,
        990_024: _twice,
        990_025: _not_at_all,
        990_026: _and_another,
        990_027: _failed,
    }
)
"""By the exact amount of a capture, in minor units of whatever currency."""


def reported_lines(line: ChannelTransactionReported) -> Lines:
    """Return the lines that a statement has in the place of what is true."""
    wrong = MISREPORTED.get(line.amount_minor) if line.operation is ChannelOperation.CAPTURE else None
    return [line] if wrong is None else wrong(line)
