"""What the demo plants into the channel's statement, and what must be found; the amounts are the simulator's own."""

from collections.abc import Mapping
from types import MappingProxyType

SHOP = "Glasshouse"
CHANNEL = "simulator"
CLERK, CHIEF = "clerk", "chief"

RIGHT_MINOR = 990_020
"""A charge of which the statement tells the truth."""
PLANTED: Mapping[int, str] = MappingProxyType(
    {
        990_021: "AMOUNT_MISMATCH",
        990_022: "CURRENCY_MISMATCH",
        990_023: "FEE_MISMATCH",
        990_024: "DUPLICATE",
        990_025: "MISSING_CHANNEL",
        990_026: "MISSING_INTERNAL",
        990_027: "CONTRADICTED",
    }
)
"""What is wrong with the line of a charge of each amount (docs/simulator.md)."""
CHARGES = (RIGHT_MINOR, *PLANTED)

FEE_OFF_MINOR = 50
"""What the channel kept too much of one of them; the correction books it."""
PAST_DUE = "74h"
"""Lines have an hour to meet a movement, movements three days to meet a line."""

RULES = """
channel_hours = 72
internal_minutes = 60
[[rule]]
kind = "REFERENCE"
by = "channel_reference"
[[rule]]
kind = "REFERENCE"
by = "attempt_id"
[fee]
basis_points = 150
tolerance_minor = 1
"""
