"""What each event books in either chart, worked out by hand."""

from paykit.events.event import Event
from paystream.payment.v1.events import (
    DisputeDecision,
    DisputeLost,
    DisputeOpened,
    DisputeWon,
    LateCaptureAccepted,
    LateCaptureReceived,
    RefundReason,
)
from paystream.withdrawal.v1.events import (
    WithdrawalBounced,
    WithdrawalCancelled,
    WithdrawalCompleted,
    WithdrawalCreated,
    WithdrawalFailed,
    WithdrawalPaidLate,
    WithdrawalRejected,
    WithdrawalReturned,
)
from tests.unit.accounting.ledger import (
    consumption,
    dispute,
    late,
    overturned,
    recovery,
    refund,
    refund_returned,
    release,
    resolved,
    reversed_,
    settlement,
    withdrawal,
)

# In the chart of assets merchants' accounts are debit-normal: an increase is a debit. In the chart of debts they are
# credit-normal, and money leaves from what the channel owes, or the bank. Each line: kind, effect, amount.
Effects = list[tuple[str, int, int]]

Booking = tuple[str, Event, Effects, Effects]
"""What happens, its event, what that books in the chart of assets and in the one of debts."""

_GIVEN_BACK = (("merchant.withdrawing", -1, 6_000), ("merchant.available", +1, 6_000))


def _alike(name: str, event: Event, *effects: tuple[str, int, int]) -> Booking:
    return name, event, [*effects], [*effects]


def _paid_out(name: str, event: Event, account_kind: str) -> Booking:
    own = (account_kind, -1, 6_000)
    return name, event, [own, ("platform.income", -1, 6_000)], [own, ("platform.bank", -1, 6_000)]


def _come_back(name: str, event: Event, minor: int) -> Booking:
    own = ("merchant.available", +1, minor)
    return name, event, [("platform.income", +1, minor), own], [("platform.bank", +1, minor), own]


BOOKINGS: list[Booking] = [
    (
        "a dispute of 25.00, all of it held",
        dispute(DisputeOpened),
        [("merchant.settlement", -1, 2_500), ("merchant.disputed", +1, 2_500)],
        [
            ("merchant.settlement", -1, 2_500),
            ("merchant.disputed", +1, 2_500),
            ("channel.receivable", -1, 2_500),
            ("channel.disputed", +1, 2_500),
        ],
    ),
    (
        "a dispute of 25.00 of which 10.00 are left, with a fee of 15.00",
        dispute(DisputeOpened, excess_minor=1_500, fee_minor=1_500),
        [
            ("merchant.settlement", -1, 1_000),
            ("merchant.disputed", +1, 1_000),
            ("merchant.settlement", -1, 1_500),
            ("platform.fees", +1, 1_500),
        ],
        [
            ("merchant.settlement", -1, 1_000),
            ("merchant.disputed", +1, 1_000),
            ("channel.receivable", -1, 1_000),
            ("channel.disputed", +1, 1_000),
            ("channel.receivable", -1, 1_500),
            ("channel.disputed", +1, 1_500),
            ("merchant.settlement", -1, 1_500),
            ("platform.fees", +1, 1_500),
        ],
    ),
    (
        "the same won",
        dispute(DisputeWon, excess_minor=1_500, fee_returned_minor=1_500),
        [
            ("merchant.disputed", -1, 1_000),
            ("merchant.settlement", +1, 1_000),
            ("platform.fees", -1, 1_500),
            ("merchant.settlement", +1, 1_500),
        ],
        [
            ("merchant.disputed", -1, 1_000),
            ("merchant.settlement", +1, 1_000),
            ("channel.disputed", -1, 1_000),
            ("channel.receivable", +1, 1_000),
            ("channel.disputed", -1, 1_500),
            ("channel.receivable", +1, 1_500),
            ("platform.fees", -1, 1_500),
            ("merchant.settlement", +1, 1_500),
        ],
    ),
    (
        "a dispute lost",
        dispute(DisputeLost),
        [("merchant.disputed", -1, 2_500), ("platform.income", -1, 2_500)],
        [("merchant.disputed", -1, 2_500), ("channel.disputed", -1, 2_500)],
    ),
    (
        "a dispute of 50.00 lost for 20.00: 30.00 come back",
        dispute(DisputeLost, amount_minor=5_000, returned_minor=3_000),
        [
            ("merchant.disputed", -1, 2_000),
            ("platform.income", -1, 2_000),
            ("merchant.disputed", -1, 3_000),
            ("merchant.settlement", +1, 3_000),
        ],
        [
            ("merchant.disputed", -1, 2_000),
            ("channel.disputed", -1, 2_000),
            ("merchant.disputed", -1, 3_000),
            ("merchant.settlement", +1, 3_000),
            ("channel.disputed", -1, 3_000),
            ("channel.receivable", +1, 3_000),
        ],
    ),
    (
        "one of 25.00 of which 10.00 were held, lost but for 3.00: the merchant owes 12.00",
        dispute(DisputeLost, excess_lost_minor=1_200, excess_returned_minor=300),
        [
            ("merchant.disputed", -1, 1_000),
            ("platform.income", -1, 1_000),
            ("merchant.receivable", +1, 1_200),
            ("platform.income", -1, 1_200),
        ],
        [
            ("merchant.disputed", -1, 1_000),
            ("channel.disputed", -1, 1_000),
            ("merchant.receivable", +1, 1_200),
            ("channel.disputed", -1, 1_200),
            ("channel.disputed", -1, 300),
            ("channel.receivable", +1, 300),
        ],
    ),
    (
        "a lost dispute that is won after all, 5.00 of which the merchant owes",
        overturned(DisputeDecision.WON, settlement_minor=2_000, receivable_minor=500),
        [
            ("platform.income", +1, 2_000),
            ("merchant.settlement", +1, 2_000),
            ("platform.income", +1, 500),
            ("merchant.receivable", -1, 500),
        ],
        [
            ("channel.receivable", +1, 2_000),
            ("merchant.settlement", +1, 2_000),
            ("channel.receivable", +1, 500),
            ("merchant.receivable", -1, 500),
        ],
    ),
    (
        "a won dispute that is lost after all",
        overturned(DisputeDecision.LOST, settlement_minor=2_000, receivable_minor=500),
        [
            ("merchant.settlement", -1, 2_000),
            ("platform.income", -1, 2_000),
            ("merchant.receivable", +1, 500),
            ("platform.income", -1, 500),
        ],
        [
            ("merchant.settlement", -1, 2_000),
            ("channel.receivable", -1, 2_000),
            ("merchant.receivable", +1, 500),
            ("channel.receivable", -1, 500),
        ],
    ),
    (
        "a charge of 12.34 that failed, and was approved",
        late(LateCaptureReceived),
        [("platform.income", +1, 1_234), ("suspense", -1, 1_234)],
        [("channel.receivable", +1, 1_234), ("suspense", -1, 1_234)],
    ),
    (
        "the same accepted",
        late(LateCaptureAccepted),
        [("platform.income", -1, 1_234), ("suspense", +1, 1_234)],
        [("channel.receivable", -1, 1_234), ("suspense", +1, 1_234)],
    ),
    (
        "the same given back",
        refund(amount_minor=1_234, suspense_minor=1_234, reason=RefundReason.CONTRADICTION),
        [("suspense", +1, 1_234), ("platform.income", -1, 1_234)],
        [("suspense", +1, 1_234), ("channel.receivable", -1, 1_234)],
    ),
    (
        "a refund of 40.00 of which 25.00 were not there any more",
        refund(amount_minor=4_000, suspense_minor=2_500),
        [
            ("platform.income", -1, 1_500),
            ("merchant.settlement", -1, 1_500),
            ("suspense", +1, 2_500),
            ("platform.income", -1, 2_500),
        ],
        [
            ("merchant.settlement", -1, 1_500),
            ("channel.receivable", -1, 1_500),
            ("suspense", +1, 2_500),
            ("channel.receivable", -1, 2_500),
        ],
    ),
    (
        "the same come back, with 0.10 of the fee charged again",
        refund_returned(amount_minor=4_000, suspense_minor=2_500, fee_minor=10),
        [
            ("platform.income", +1, 1_500),
            ("merchant.settlement", +1, 1_500),
            ("merchant.settlement", -1, 10),
            ("platform.fees", +1, 10),
            ("platform.income", +1, 2_500),
            ("suspense", -1, 2_500),
        ],
        [
            ("channel.receivable", +1, 1_500),
            ("merchant.settlement", +1, 1_500),
            ("merchant.settlement", -1, 10),
            ("platform.fees", +1, 10),
            ("channel.receivable", +1, 2_500),
            ("suspense", -1, 2_500),
        ],
    ),
    (
        "a capture that bounced",
        reversed_(),
        [
            ("merchant.settlement", -1, 10_000),
            ("platform.income", -1, 10_000),
            ("platform.fees", -1, 320),
            ("merchant.settlement", +1, 320),
        ],
        [
            ("merchant.settlement", -1, 10_000),
            ("channel.receivable", -1, 10_000),
            ("platform.fees", -1, 320),
            ("merchant.settlement", +1, 320),
        ],
    ),
    (
        "40.00 paid out twice, of which the merchant bears 15.00",
        resolved(charged_minor=1_500, written_off_minor=2_500),
        [
            ("merchant.settlement", -1, 1_500),
            ("suspense", -1, 1_500),
            ("platform.losses", +1, 2_500),
            ("suspense", -1, 2_500),
        ],
        [
            ("merchant.settlement", -1, 1_500),
            ("suspense", -1, 1_500),
            ("platform.losses", +1, 2_500),
            ("suspense", -1, 2_500),
        ],
    ),
    _alike(
        "a settlement of 90.00 and 10.00 in reserve",
        settlement(net=9_000, reserve=1_000),
        ("merchant.settlement", -1, 9_000),
        ("merchant.available", +1, 9_000),
        ("merchant.settlement", -1, 1_000),
        ("merchant.reserve", +1, 1_000),
    ),
    _alike("a release", release(), ("merchant.reserve", -1, 1_000), ("merchant.settlement", +1, 1_000)),
    _alike("a consumption", consumption(), ("merchant.reserve", -1, 1_000), ("merchant.settlement", +1, 1_000)),
    _alike(
        "96.80 recovered, 20.00 of them for a debt",
        recovery(settlement=7_680, receivable=2_000),
        ("merchant.available", -1, 7_680),
        ("merchant.settlement", +1, 7_680),
        ("merchant.available", -1, 2_000),
        ("merchant.receivable", -1, 2_000),
    ),
    _alike(
        "held", withdrawal(WithdrawalCreated), ("merchant.available", -1, 6_000), ("merchant.withdrawing", +1, 6_000)
    ),
    _alike("rejected", withdrawal(WithdrawalRejected), *_GIVEN_BACK),
    _alike("failed", withdrawal(WithdrawalFailed), *_GIVEN_BACK),
    _alike("cancelled", withdrawal(WithdrawalCancelled), *_GIVEN_BACK),
    _paid_out("paid", withdrawal(WithdrawalCompleted), "merchant.withdrawing"),
    _paid_out("paid after all", withdrawal(WithdrawalPaidLate), "merchant.available"),
    _come_back("back", withdrawal(WithdrawalReturned), 6_000),
    _come_back("never paid", withdrawal(WithdrawalBounced), 6_000),
    _come_back(
        "200.00 out, 185.00 back", withdrawal(WithdrawalReturned, amount_minor=20_000, bank_fee_minor=1_500), 18_500
    ),
]
