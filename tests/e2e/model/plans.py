"""Plans of journeys, drawn by Hypothesis: what a merchant is like, and what is done, in terms of what there will be."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.e2e.model import rules
from tests.e2e.model.asking import (
    Act,
    AnswerDispute,
    Ask,
    CancelOrder,
    Capture,
    CreateOrder,
    Decide,
    OpenDispute,
    Pay,
    Refund,
    Settle,
    Void,
    Withdraw,
)
from tests.e2e.model.parts import Payment
from tests.e2e.model.rules import Fees
from tests.e2e.model.world import World

T = TypeVar("T")

CURRENCIES = ("USD", "JPY")
CLOSING = "JPY"
"""Takes no new business once time has passed."""
AMOUNTS = (137, 1_000, 2_345, 8_800, 25_000, 48_888)
TOTALS = (900, 4_000, 30_000)
PICK_MAX = 5
WHOLE = 100
SHARES = (100, 100, 100, 60, 60, 25, 130)
"""Percent of what is there; more than that is to be refused."""
PAUSES = (None,) * 6
"""As often an amount is ordinary."""
CHARGE_FATES = (
    *PAUSES, 9_001, 9_003, 9_004, 9_005, 9_007, 9_008, 9_009, 9_011, 9_012, 9_013, 9_014, 9_015, 9_017, 9_021, 9_025,
    9_026,
)  # fmt: skip
AUTHORIZE_FATES = (*PAUSES, 9_018, 9_019, 9_021, 9_025, 9_026)
WAITING_FATES = tuple(rules.WAITS)
CAPTURE_FATES = (None, None, None, None, 9_001, 9_003, 9_005, 9_008, 9_011, 9_012, 9_013, 9_014, 9_015)
REFUND_FATES = (*PAUSES[1:], 9_015, 9_001, 9_003, 9_004, 9_005, 9_007, 9_008, 9_009, 9_015)
"""What comes back is met by refunds of large amounts alone, and so stands here twice."""
PAYOUT_FATES = (None, None, None, None, 9_001, 9_003, 9_005, 9_008, 9_010, 9_015, 9_016)
FATES = {
    "act": WAITING_FATES,
    "withdraw": PAYOUT_FATES,
    "capture": CAPTURE_FATES,
    "authorize": AUTHORIZE_FATES,
    "refund": REFUND_FATES,
}
"""Of steps that most often meet one; of the others as of charges."""
ALONE = frozenset({9_009, 9_013, 9_014, 9_015, 9_017})
"""What is said twice takes a while, in which nothing else may be asked for: the answer would not be foretold."""
STEPS = (
    "pay", "pay", "pay", "order", "pay_order", "pay_order", "authorize", "authorize", "capture", "capture", "capture",
    "act", "act", "void", "refund", "refund", "dispute", "answer", "answer", "cancel", "settle", "withdraw", "withdraw",
    "withdraw", "decide", "decide", "again",
)  # fmt: skip
OF_FUNDS = ("settle", "withdraw", "decide")
"""Steps that depend on what has been settled."""
BESIDE = {
    "pay_order": ("pay_order", "cancel"),
    "capture": ("capture", "void"),
    "void": ("void", "capture"),
    "refund": ("refund",),
    "answer": ("answer",),
    "cancel": ("cancel", "pay_order"),
    "settle": ("settle", "refund"),
    "withdraw": ("withdraw",),
    "decide": ("decide",),
}
"""What may be asked for at the same time as something."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step, in terms of what is there when it is taken.

    Attributes:
        kind: One of STEPS.
        pick: Chooses among what there is.
        share: Percent of what there is to take.
        flag: Chooses between two ways.
        fate: The digits by which the channel decides.
        twice: The same request is sent twice at once.
        beside: Asked for at the same time.
    """

    kind: str
    pick: int
    share: int
    flag: bool
    fate: int | None
    twice: bool
    beside: str | None


@dataclass(frozen=True, slots=True)
class Plan:
    """A journey.

    Attributes:
        threshold: From which the merchant is settled by itself; None where it is not.
        daily: Whether it is settled once a day; the day passes only when all clocks are moved.
        changed_fees: The plan from the second act on; None where it stays.
        suspended: Whether the merchant is suspended for a while between the acts.
        acts: The steps of each act; all journeys rest, and are compared, between two acts.
    """

    fees: dict[str, Fees]
    reserve_basis_points: int
    threshold: int | None
    daily: bool = False
    changed_fees: dict[str, Fees] | None = None
    suspended: bool = False
    acts: Sequence[Sequence[Step]] = field(default_factory=tuple)


@st.composite
def steps(draw: st.DrawFn) -> Step:
    """Draw a step."""
    kind = draw(st.sampled_from(STEPS))
    fate = draw(st.sampled_from(FATES.get(kind, CHARGE_FATES)))
    beside = None if fate in ALONE else draw(st.sampled_from((None, None, *BESIDE.get(kind, ()))))
    return Step(
        kind=kind,
        pick=draw(st.integers(0, PICK_MAX)),
        share=draw(st.sampled_from(SHARES)),
        flag=draw(st.booleans()),
        fate=fate,
        twice=beside is None and draw(st.integers(0, 4)) == 0,
        beside=beside,
    )


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Draw a journey of two acts, which begins with money coming in and ends with money going out."""
    returned = draw(st.booleans())
    terms = st.builds(Fees, st.sampled_from((0, 290, 333)), st.sampled_from((0, 30)), st.just(returned))
    first = Step(kind="pay", pick=4, share=100, flag=False, fate=None, twice=draw(st.booleans()), beside=None)
    out = (
        Step(kind="settle", pick=0, share=100, flag=False, fate=None, twice=draw(st.booleans()), beside=None),
        Step(kind="withdraw", pick=0, share=100, flag=True, fate=None, twice=False, beside=None),
        Step(
            kind="decide",
            pick=0,
            share=100,
            flag=draw(st.booleans()),
            fate=draw(st.sampled_from(PAYOUT_FATES)),
            twice=False,
            beside=draw(st.sampled_from((None, "decide"))),
        ),
    )
    threshold = draw(st.sampled_from((None, None, None, 3_000)))
    middle = st.lists(steps(), min_size=3, max_size=5)
    changed = st.builds(Fees, st.sampled_from((150, 1_000)), st.sampled_from((0, 55)), st.just(draw(st.booleans())))
    return Plan(
        fees={currency: draw(terms) for currency in CURRENCIES},
        reserve_basis_points=draw(st.sampled_from((0, 500, 1_000))),
        threshold=threshold,
        daily=threshold is None and draw(st.integers(0, 2)) == 0,
        changed_fees=draw(st.none() | st.fixed_dictionaries(dict.fromkeys(CURRENCIES, changed))),
        suspended=draw(st.booleans()),
        acts=((first, *draw(middle)), (*draw(middle), *out)),
    )


def drawn(count: int, number: int) -> list[Plan]:
    """Give so many plans, all different; the same for the same number."""
    found: dict[str, Plan] = {}

    @seed(number)
    @settings(
        max_examples=2 * count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(plans())
    def collect(plan: Plan) -> None:
        found.setdefault(repr(plan), plan)

    collect()
    return list(found.values())[:count]


def by_hand() -> list[Plan]:
    """Give what must not be missing, and is seldom drawn.

    A refund that comes back takes a large payment, and a capture that fails one that waits for it.
    """
    paid, authorized = _by_hand("pay"), _by_hand("authorize")
    refunded, captured = _by_hand("refund", fate=rules.UNDONE), _by_hand("capture", fate=9_001)
    fees = {currency: Fees(290, 30, returned=True) for currency in CURRENCIES}
    return [
        Plan(fees=fees, reserve_basis_points=500, threshold=None, acts=(first_act, ()))
        for first_act in ((paid, refunded), (authorized, captured))
    ]


def _by_hand(kind: str, *, fate: int | None = None) -> Step:
    return Step(kind=kind, pick=4, share=WHOLE, flag=False, fate=fate, twice=False, beside=None)


def meant(step: Step, kind: str, world: World, number: int) -> Ask:
    """Say what a step asks for in a world; where there is nothing to ask it of, something that leads there."""
    currency = CURRENCIES[step.pick % len(CURRENCIES)]
    if kind in {"pay_order", "cancel"} and world.orders:
        return _about_order(step, kind, world, number)
    if kind in {"pay_order", "cancel", "order"}:
        return CreateOrder(number, currency, TOTALS[step.pick % len(TOTALS)], expires=step.flag)
    if kind in OF_FUNDS:
        return _about_funds(step, kind, world, number)
    if (ask := _about_open(step, kind, world.payments)) is not None:
        return ask
    if kind in {"refund", "dispute", "answer"}:
        return _about_captured(step, kind, world)
    manual = kind in {"authorize", "capture", "void"} or (kind == "act" and step.flag)
    return _pay(step, number, currency, manual=manual)


def _pay(step: Step, number: int, currency: str, *, manual: bool) -> Pay:
    """Ask for a payment without an order; what is only authorized is large enough for captures to meet their fates."""
    amounts = AMOUNTS[-2:] if manual else AMOUNTS
    amount = amounts[step.pick % len(amounts)]
    fate = step.fate if not manual or step.fate in AUTHORIZE_FATES or step.fate in WAITING_FATES else None
    return Pay(number, currency, amount if fate is None else amount // rules.WHOLE * rules.WHOLE + fate, manual, None)


def _about_order(step: Step, kind: str, world: World, number: int) -> Ask:
    payable = [n for n, each in world.orders.items() if each.state == "CREATED"]
    chosen = _one_of(world.orders, payable, step)
    if kind == "cancel":
        return CancelOrder(chosen)
    order = world.orders[chosen]
    left = order.total - sum(each.taken_of_order for each in world.payments.values() if each.order == chosen)
    # When much time passes, either the order expires first or what the payer has to do: nobody can say which.
    met = {9_001, 9_003} if order.expires else {9_001, 9_003, *WAITING_FATES}
    fate = step.fate if step.fate in met else None
    return Pay(number, order.currency, rules.with_fate(max(left, 1) * step.share // WHOLE, fate), step.flag, chosen)


def _about_funds(step: Step, kind: str, world: World, number: int) -> Ask:
    held = [n for n, made in world.withdrawals.items() if made.state == "HELD"]
    decidable = [n for n, made in world.withdrawals.items() if made.approval]
    if kind == "decide" and decidable:
        return Decide(_one_of(decidable, held, step), step.flag, same_person=step.fate in {9_001, 9_003})
    able = [each for each in CURRENCIES if world.withdrawable(each) > 0]
    if kind == "settle" or (not able and step.share <= WHOLE):
        return Settle(
            _one_of(CURRENCIES, [each for each in CURRENCIES if world.accounts.get((each, "settlement"), 0) > 0], step)
        )
    currency = _one_of(CURRENCIES, able, step)
    able_minor = world.withdrawable(currency)
    fate = step.fate if step.fate in PAYOUT_FATES else None
    return Withdraw(number, currency, rules.with_fate(max(able_minor * step.share // WHOLE, 1), fate))


def _about_open(step: Step, kind: str, payments: Mapping[int, Payment]) -> Ask | None:
    """Ask something of a payment that waits for its payer, or that is authorized; nothing where there is none."""
    waiting = [n for n, each in payments.items() if each.state == "REQUIRES_ACTION"]
    if waiting and (kind == "act" or (kind == "void" and step.flag)):
        chosen = _one_of(waiting, waiting, step)
        return Act(chosen, does=step.flag) if kind == "act" else Void(chosen)
    manual = [n for n, each in payments.items() if each.manual]
    return _about_authorized(step, kind, payments, manual) if manual and kind in {"capture", "void"} else None


def _about_authorized(step: Step, kind: str, payments: Mapping[int, Payment], manual: Sequence[int]) -> Ask:
    chosen = _one_of(manual, [n for n in manual if payments[n].capturable], step)
    if kind == "void":
        return Void(chosen)
    fate = step.fate if step.fate in CAPTURE_FATES else None
    amount = rules.with_fate(max(payments[chosen].capturable, 1) * step.share // WHOLE, fate)
    return Capture(chosen, None if step.share == WHOLE and step.fate is None else amount, step.flag)


def _about_captured(step: Step, kind: str, world: World) -> Ask:
    disputes = {(n, d): part for n, each in world.payments.items() for d, part in enumerate(each.disputes)}
    if kind == "answer" and disputes:
        opened = [place for place, part in disputes.items() if part.state == "OPENED"]
        return AnswerDispute(*_one_of(disputes, opened, step), contest=step.flag)
    whole = [n for n, each in world.payments.items() if len(each.captures) == 1 and each.refundable > 0]
    if kind != "refund" and whole:
        chosen = _one_of(whole, whole, step)
        return OpenDispute(chosen, max(world.payments[chosen].refundable * step.share // WHOLE, 1), wins=step.flag)
    # What is disputed is the first to be given back by mistake.
    likely = [n for n, each in world.payments.items() if (each.disputed if step.flag else each.refundable) > 0]
    chosen = _one_of(world.payments, likely, step)
    refundable = world.payments[chosen].refundable
    beyond = step.share > WHOLE or refundable <= 0
    fate = step.fate if step.fate in REFUND_FATES else None
    within = rules.with_fate(max(refundable * step.share // WHOLE, 1), fate)
    return Refund(chosen, max(refundable, 0) + 1 if beyond else within)


def _one_of(all_: Collection[T], likely: Sequence[T], step: Step) -> T:
    """Choose among those with which something can be done, and now and then among all."""
    chosen = likely if likely and step.pick != PICK_MAX else list(all_)
    return chosen[step.pick % len(chosen)]
