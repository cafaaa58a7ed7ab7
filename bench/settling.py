"""Row (e): TransactionCreated on Kafka -> collected and settled, by `paystream serve settlement`.

Each merchant's threshold is what its transactions sum up to, so that it is settled with the last of them. The clock is
read afterwards, from the rows: it starts when the first item is collected and ends when the last settlement is closed.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from bench import captures, children
from bench.captures import Message
from bench.figures import Figures
from bench.ground import Ground, Plot, connected, plot
from paykit import ids
from paykit.errors import InvariantError
from paykit.events.codec import Codec, Event
from paykit.events.registry import RegistryClient
from paystream.accounting.v1.events import Direction, Entry, Side, TransactionCreated
from paystream.merchant.v1.events import (
    MerchantCreated,
    MerchantStatus,
    RefundPolicy,
    ReserveBase,
    SettlementPolicy,
    SettlementSchedule,
    SettlementThreshold,
)

LOOK_EVERY_S = 0.5
SETTLED_S_MAX = 300.0
PRODUCED_AT_ONCE = 50_000
"""Events made, encoded and produced before the next are made, so that a million need no memory."""
AMOUNT_MINOR = 1_000
FEE_MINOR = 30

_SETTLED = "SELECT count(*) FROM settlement WHERE state = 'CREATED'"
_FIGURES = """
SELECT extract(epoch FROM max(close_time) - min(create_time))::float AS seconds, sum(item_count)::bigint AS items,
    sum(total_minor)::bigint AS total_minor
FROM settlement
"""


async def measure(ground: Ground, *, transactions: int, merchants: int) -> Figures:
    """Measure the settling of transactions of this many merchants, each of as many.

    Raises:
        InvariantError: Not every transaction was settled exactly once.
        TimeoutError: It took longer than SETTLED_S_MAX.
    """
    names = captures.merchant_ids(merchants)
    async with plot(ground) as own:
        await produce(own, names, transactions)
        async with children.service(own, "settlement"), connected(own.admin_url, schema="settlement") as connection:
            give_up = time.monotonic() + SETTLED_S_MAX
            while (settled := await connection.fetchval(_SETTLED)) < merchants:
                if time.monotonic() > give_up:
                    raise TimeoutError(f"{settled} of {merchants} settlements after {SETTLED_S_MAX:.0f} s")
                await asyncio.sleep(LOOK_EVERY_S)
            memory_mib = children.peak_mib("settlement")
            seconds, items, total_minor = await connection.fetchrow(_FIGURES)
    if (items, total_minor) != (transactions, transactions * (AMOUNT_MINOR - FEE_MINOR)):
        raise InvariantError(f"{transactions} transactions: {items} settled, with {total_minor}")
    return {"settling": transactions / seconds, "settling_s": seconds, "settling_mib": memory_mib}


async def produce(own: Plot, merchants: Sequence[str], transactions: int) -> None:
    """Produce merchants, each with its threshold, and their transactions, as many of each."""
    each_minor = transactions // len(merchants) * (AMOUNT_MINOR - FEE_MINOR)
    async with RegistryClient(own.ground.endpoints.registry) as registry:
        codec = Codec(registry=registry, cache_dir=own.ground.home / "cache", topic_prefix=own.prefix)
        await codec.prepare([MerchantCreated, TransactionCreated])
    policies = [_message(codec, each, merchant(each, each_minor)) for each in merchants]
    produce = captures.produce
    kafka, merchant_topic = own.ground.endpoints.kafka, own.prefix + MerchantCreated.TOPIC
    await asyncio.to_thread(produce, kafka, merchant_topic, policies, record=MerchantCreated.RECORD)
    for some in _cut(transactions):
        booked = [transaction(number, merchants[number % len(merchants)]) for number in some]
        messages = [_message(codec, event.root_reference, event) for event in booked]
        topic = own.prefix + TransactionCreated.TOPIC
        await asyncio.to_thread(produce, kafka, topic, messages, record=TransactionCreated.RECORD)


def _cut(count: int) -> Iterator[range]:
    return (range(start, min(start + PRODUCED_AT_ONCE, count)) for start in range(0, count, PRODUCED_AT_ONCE))


def _message(codec: Codec, key: str, event: Event) -> Message:
    stamps = {"recorded_at": event.occurred_at, "correlation_id": key, "causation_id": key}
    return Message(key, codec.encode(event, stamps=stamps))


def transaction(number: int, merchant_id: str) -> TransactionCreated:
    """Make the transaction of a capture with its fee, of four entries, as the ledger tells it."""
    now = datetime.now(UTC)
    kinds = (
        ("merchant.settlement", merchant_id, 1, AMOUNT_MINOR),
        ("platform.income", None, 1, AMOUNT_MINOR),
        ("merchant.settlement", merchant_id, -1, FEE_MINOR),
        ("platform.fees", None, 1, FEE_MINOR),
    )
    return TransactionCreated(
        event_id=ids.new_id("evt"),
        occurred_at=now,
        merchant_id=merchant_id,
        aggregate_version=1,
        transaction_id=ids.named_id("txn", "PaymentSuccess", str(number)),
        transaction_type="PaymentSuccess",
        related_no=ids.new_id("cap"),
        root_reference=ids.new_id("pay"),
        direction=Direction.CREDIT,
        amount_minor=AMOUNT_MINOR,
        currency_code="USD",
        effective_at=now,
        reverses_transaction_id=None,
        channel=None,
        channel_reference=None,
        fee_minor=0,
        chart_name="merchant_asset",
        reason=None,
        entries=tuple(
            Entry(
                account_id=ids.named_id("acc", kind, owner or ""),
                account_kind=kind,
                merchant_id=owner,
                side=Side.DEBIT,
                effect=effect,
                amount_minor=amount_minor,
                currency_code="USD",
            )
            for kind, owner, effect, amount_minor in kinds
        ),
    )


def merchant(merchant_id: str, threshold_minor: int) -> MerchantCreated:
    """Make a merchant that is settled once so much is pending."""
    return MerchantCreated(
        locale="en",
        public_name=None,
        support_email=None,
        event_id=ids.new_id("evt"),
        occurred_at=datetime.now(UTC),
        merchant_id=merchant_id,
        aggregate_version=1,
        display_name="Bench",
        status=MerchantStatus.ACTIVE,
        country_code=None,
        fee_plan_version=1,
        fees=(),
        refund_fee_returned=False,
        settlement_policy=SettlementPolicy(
            schedule=SettlementSchedule.THRESHOLD,
            time_zone="UTC",
            cut_off_time=None,
            cut_off_weekday=None,
            delay_days=0,
            thresholds=(SettlementThreshold(currency_code="USD", threshold_minor=threshold_minor),),
            reserve_basis_points=500,
            reserve_days=90,
            cut_off_month_day=None,
            business_days=False,
            calendar=None,
            reserve_base=ReserveBase.NET,
        ),
        default_basis_points=None,
        free=False,
        refund_policy=RefundPolicy.ALLOW,
        refund_limits=(),
        payout_hold=False,
        frozen=False,
        closing=False,
    )
