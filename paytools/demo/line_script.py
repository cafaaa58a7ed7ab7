"""What the demo's two shops do on the money line, with every figure worked out by hand: euros, in cents."""

from dataclasses import dataclass
from enum import StrEnum

CURRENCY = "EUR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A line item of an order."""

    name: str
    quantity: int
    unit_price_minor: int


class Course(StrEnum):
    """What becomes of an order of the second shop."""

    PAID = "paid"
    REFUNDED = "paid, a part refunded"
    DISPUTED = "paid, disputed and lost"
    CANCELLED = "cancelled while its payment was under way"
    EXPIRED = "never paid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """An order of the second shop, of one item."""

    item: str
    total_minor: int
    course: Course = Course.PAID


# The first shop: 2 % and 0.25 a payment; settled as soon as 10,000.00 are pending, with 10 % reserve for seven days.
FIRST_SHOP = "Lakeside Roasters"
FIRST_FEE = (200, 25)
THRESHOLD_MINOR = 1_000_000
RESERVE_BASIS_POINTS = 1_000
RESERVE_DAYS = 7
STORY_ITEMS = (
    Item(name="Espresso machine", quantity=4, unit_price_minor=150_000),
    Item(name="Drum roaster", quantity=1, unit_price_minor=600_000),
)
STORY_TOTAL_MINOR = 1_200_000
STORY_CAPTURES_MINOR = (700_000, 500_000)  # Authorized at once, captured as the parcels leave.
STORY_REFUND_MINOR = 15_000  # One machine came with a dent.
# Pending after the first capture, less its fee of 14,000 + 25, and the refund: below the threshold.
STORY_PENDING_MINOR = 670_975
# With the second capture and its fee of 10,000 it is above it; a tenth, 116,097.5, rounds up to 116,098 in reserve.
STORY_SETTLED_MINOR = 1_160_975
STORY_RESERVE_MINOR = 116_098
STORY_NET_MINOR = 1_044_877  # Above 10,000.00, so that a second person has to approve its withdrawal.

# The second shop: 1.5 %, given back with refunds; settled by a daily cut-off, one day later.
SECOND_SHOP = "Night Market"
SECOND_FEE = (150, 0)
CUT_OFF_TIME = "18:00"
TIME_ZONE = "Europe/Berlin"
DELAY_DAYS = 1
SALES = (
    Sale(item="Lantern", total_minor=2_500),
    Sale(item="Cookware", total_minor=4_000, course=Course.REFUNDED),
    Sale(item="Scarf", total_minor=1_999),
    Sale(item="Bicycle", total_minor=8_000, course=Course.DISPUTED),
    Sale(item="Teapot", total_minor=3_501),
    Sale(item="Radio", total_minor=5_000),
    # An amount ending in 9005 is approved late, so that the cancellation comes first; its refund is late as well.
    Sale(item="Carpet", total_minor=19_005, course=Course.CANCELLED),
    Sale(item="Umbrella", total_minor=1_000, course=Course.EXPIRED),
)
PART_REFUND_MINOR = 1_000
# Captured and kept: 25,000, less fees of 38 + 60 + 30 + 120 + 53 + 75 = 376, less 1,000 refunded with 15 of its fee
# returned, less 8,000 disputed. The cancelled order comes to nothing: all of it, and all of its fee, goes back.
SECOND_NET_MINOR = 25_000 - 376 - 1_000 + 15 - 8_000
DECLINED_BY_BANK_MINOR = 9_002  # An amount that the simulated bank declines.
