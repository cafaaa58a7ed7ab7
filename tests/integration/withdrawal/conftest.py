"""The withdrawal service on a real database with one active merchant, and a bank that does what a test tells it."""

import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from paykit.clock import ManualClock
from paykit.consume.delivery import Delivered, Handler, HandlerResult, Record
from paykit.ids import named_id, new_id
from paykit.process.runtime import Runtime
from paykit.testing.outbox_events import outbox_events
from paykit.testing.runtimes import START, act_as
from paystream.accounting.v1 import events as accounting_events
from paystream.channel.v1 import channel_pb2 as channel_pb
from paystream.common.v1.money_pb2 import Money
from paystream.merchant.v1 import events as merchant_events
from paystream.payment.v1 import events as payment_events
from paystream.settlement.v1 import events as settlement_events
from paystream.withdrawal.v1 import withdrawal_pb2 as pb
from services.withdrawal import handlers, jobs
from services.withdrawal.service import SERVICE
from tests.conftest import RuntimeOf
from tests.event_fields import DISPUTED
from tests.integration import aging, shared_database
from tests.integration.payment.conftest import ScriptedChannel, merchant_event, served
from tests.line.replies import checked
from tests.line.servicers import WithdrawalCalls

ANY: Any = None
TOKEN = "tok_iban"


class ScriptedBank(ScriptedChannel):
    """A bank whose fate for each payout is decided by the test; see ScriptedChannel."""

    async def BatchPay(self, request: Any, context: Any) -> Any:  # noqa: N802
        return channel_pb.BatchPayResponse(results=await self._answer(request.requests, context))


class Treasury:
    """The withdrawal service with a merchant, its verified bank account and a bank, called as a servicer."""

    def __init__(self, runtime: Runtime, bank: ScriptedBank) -> None:
        self.runtime = runtime
        self.bank = bank
        self.call = checked(WithdrawalCalls(runtime))
        self.merchant_id = new_id("mer")
        self.bank_account_id = ""

    async def know_merchant(self, *, time_zone: str = "UTC", **changes: Any) -> str:
        """Have an event of a merchant applied; give the merchant's id."""
        policy = merchant_events.SettlementPolicy(
            schedule=merchant_events.SettlementSchedule.MANUAL,
            cut_off_time=None,
            cut_off_weekday=None,
            time_zone=time_zone,
            delay_days=0,
            thresholds=(),
            reserve_basis_points=0,
            reserve_days=0,
            cut_off_month_day=None,
            business_days=False,
            calendar=None,
            reserve_base=merchant_events.ReserveBase.NET,
        )
        given: dict[str, Any] = {"merchant_id": self.merchant_id, "settlement_policy": policy}
        event = merchant_event(**given | changes)
        await self.deliver(handlers.on_merchant_changed, str(event.merchant_id), event)
        return str(event.merchant_id)

    async def settle(self, amount_minor: int, **changes: Any) -> str:
        """Have a completed settlement applied; give its id."""
        event = self.settled(amount_minor, **changes)
        await self.deliver(handlers.on_settlement_completed, event.settlement_id, event)
        return event.settlement_id

    def settled(self, amount_minor: int, **changes: Any) -> settlement_events.SettlementCompleted:
        given: dict[str, Any] = {
            "occurred_at": self.runtime.clock.now(),
            "merchant_id": self.merchant_id,
            "aggregate_version": 2,
            "settlement_id": new_id("stl"),
            "currency_code": "USD",
            "total_minor": amount_minor,
            "reserve_held_minor": 0,
            "net_minor": amount_minor,
            "transaction_id": "txn_" + "1" * 32,
        }
        sums = ("item_count", "payments_minor", "refunds_minor", "fees_minor", "disputes_minor")
        given |= dict.fromkeys((*sums, "reserve_released_minor", "adjustments_minor"), 0) | {"cut_off_at": None}
        return settlement_events.SettlementCompleted(**given | changes)

    async def adjust(self, effect: int, amount_minor: int, **changes: Any) -> str:
        """Have a manual journal on what is available applied; give the transaction's id."""
        event = self.booked(new_id("jrn"), amount_minor, kind="Adjustment", effect=effect, **changes)
        await self.deliver(handlers.on_transaction_created, event.root_reference, event)
        return event.transaction_id

    def booked(
        self, related_no: str, amount_minor: int, *, kind: str = handlers.HOLD, effect: int = -1, **changes: Any
    ) -> accounting_events.TransactionCreated:
        """The ledger's transaction on merchant.available."""
        currency_code = changes.get("currency_code", "USD")
        given: dict[str, Any] = {
            "occurred_at": self.runtime.clock.now(),
            "merchant_id": self.merchant_id,
            "correlation_id": "cor_test",
            "event_id": new_id("evt"),
            "actor": "shop",
            "aggregate_version": 1,
            "transaction_id": named_id("txn", kind, related_no),
            "transaction_type": kind,
            "related_no": related_no,
            "root_reference": related_no,
            "direction": None,
            "amount_minor": amount_minor,
            "currency_code": "USD",
            "effective_at": self.runtime.clock.now(),
            "reverses_transaction_id": None,
            "channel": None,
            "channel_reference": None,
            "fee_minor": 0,
            "chart_name": "merchant_asset",
            "reason": None,
            "entries": (
                self.entry(handlers.AVAILABLE, effect, amount_minor, currency_code),
                self.entry("merchant.withdrawing", -effect, amount_minor, currency_code),
            ),
        }
        return accounting_events.TransactionCreated(**given | changes)

    def refused(self, withdrawal_id: str, reason: str = "INSUFFICIENT_FUNDS") -> accounting_events.TransactionRejected:
        return accounting_events.TransactionRejected(
            occurred_at=self.runtime.clock.now(),
            merchant_id=self.merchant_id,
            event_id=new_id("evt"),
            correlation_id="cor_test",
            aggregate_version=1,
            transaction_type=handlers.HOLD,
            related_no=withdrawal_id,
            root_reference=withdrawal_id,
            reason=reason,
        )

    async def hold(self, withdrawal: pb.Withdrawal) -> HandlerResult:
        """Have the ledger's hold of a withdrawal applied."""
        event = self.booked(withdrawal.withdrawal_id, withdrawal.amount.amount_minor)
        return (await self.deliver(handlers.on_transaction_created, withdrawal.withdrawal_id, event))[0]

    async def refuse(self, withdrawal_id: str) -> HandlerResult:
        """Have the ledger's refusal of a withdrawal applied."""
        event = self.refused(withdrawal_id)
        return (await self.deliver(handlers.on_transaction_rejected, withdrawal_id, event))[0]

    async def deliver(self, handler: Handler, key: str, *events: Any) -> Sequence[HandlerResult]:
        deliveries = [Delivered(event, Record(event.TOPIC, 0, 0, key, b"", ())) for event in events]
        return await self.runtime.transaction(lambda tx: handler(tx, deliveries))

    async def open_account(self, **changes: Any) -> str:
        """A verified bank account of the merchant."""
        account = await self.register(**changes)
        request = pb.VerifyBankAccountRequest(
            request_id=str(uuid.uuid4()),
            bank_account_id=account.bank_account_id,
            result=pb.VERIFICATION_RESULT_VERIFIED,
        )
        return (await self.call.VerifyBankAccount(request, ANY)).bank_account.bank_account_id

    async def register(self, **changes: Any) -> pb.BankAccount:
        given: dict[str, Any] = {
            "request_id": str(uuid.uuid4()),
            "merchant_id": self.merchant_id,
            "currency_code": "USD",
            "token": TOKEN,
            "last_four": "4321",
        }
        return (await self.call.CreateBankAccount(pb.CreateBankAccountRequest(**given | changes), ANY)).bank_account

    def request(self, amount_minor: int, currency_code: str = "USD", **changes: Any) -> pb.CreateWithdrawalRequest:
        given: dict[str, Any] = {
            "request_id": str(uuid.uuid4()),
            "merchant_id": self.merchant_id,
            "bank_account_id": self.bank_account_id,
            "amount": Money(amount_minor=amount_minor, currency_code=currency_code),
        }
        return pb.CreateWithdrawalRequest(**given | changes)

    async def create(self, amount_minor: int, currency_code: str = "USD", **changes: Any) -> pb.Withdrawal:
        return (await self.call.CreateWithdrawal(self.request(amount_minor, currency_code, **changes), ANY)).withdrawal

    async def held(self, amount_minor: int) -> pb.Withdrawal:
        """A withdrawal whose amount the ledger holds."""
        made = await self.create(amount_minor)
        assert await self.hold(made) is None
        return await self.get(made.withdrawal_id)

    async def paid(self, amount_minor: int) -> pb.Withdrawal:
        """A withdrawal that was sent to the bank."""
        made = await self.held(amount_minor)
        await self.submit()
        return await self.get(made.withdrawal_id)

    async def approve(self, withdrawal_id: str, **changes: Any) -> pb.Withdrawal:
        request = pb.ApproveWithdrawalRequest(
            **{"request_id": str(uuid.uuid4()), "withdrawal_id": withdrawal_id} | changes
        )
        return (await self.call.ApproveWithdrawal(request, ANY)).withdrawal

    async def reject(self, withdrawal_id: str) -> pb.Withdrawal:
        request = pb.RejectWithdrawalRequest(
            request_id=str(uuid.uuid4()), withdrawal_id=withdrawal_id, reason="not agreed"
        )
        return (await self.call.RejectWithdrawal(request, ANY)).withdrawal

    async def cancel(self, withdrawal_id: str, **changes: Any) -> pb.Withdrawal:
        request = pb.CancelWithdrawalRequest(
            **{"request_id": str(uuid.uuid4()), "withdrawal_id": withdrawal_id, "reason": "wrong account"} | changes
        )
        return (await self.call.CancelWithdrawal(request, ANY)).withdrawal

    async def get(self, withdrawal_id: str) -> pb.Withdrawal:
        return (await self.call.GetWithdrawal(pb.GetWithdrawalRequest(withdrawal_id=withdrawal_id), ANY)).withdrawal

    async def state(self, withdrawal_id: str) -> str:
        state = (await self.get(withdrawal_id)).state
        return pb.WithdrawalState.Name(state).removeprefix("WITHDRAWAL_STATE_")

    async def attempt(self, withdrawal_id: str) -> pb.Attempt:
        request = pb.GetWithdrawalRequest(withdrawal_id=withdrawal_id)
        [attempt] = (await self.call.GetWithdrawal(request, ANY)).attempts
        return attempt

    async def listed(self, **filters: Any) -> list[str]:
        response = await self.call.ListWithdrawals(pb.ListWithdrawalsRequest(**filters), ANY)
        return [each.withdrawal_id for each in response.withdrawals]

    async def balance(self, currency_code: str = "USD") -> pb.GetWithdrawableBalanceResponse:
        request = pb.GetWithdrawableBalanceRequest(merchant_id=self.merchant_id, currency_code=currency_code)
        return await self.call.GetWithdrawableBalance(request, ANY)

    async def withdrawable(self, currency_code: str = "USD") -> int:
        return int((await self.balance(currency_code)).withdrawable_minor)

    async def report(
        self, withdrawal_id: str, outcome: pb.BankOutcome.ValueType, reference: str = "ch_1", **fields: Any
    ) -> pb.Attempt:
        attempt = await self.attempt(withdrawal_id)
        request = pb.ReportBankResultRequest(
            attempt_id=attempt.attempt_id, outcome=outcome, channel_reference=reference, **fields
        )
        return (await self.call.ReportBankResult(request, ANY)).attempt

    async def submit(self) -> None:
        """Send what is approved, as the job does."""
        while await jobs.submit_withdrawals(self.runtime):
            pass

    async def inquire(self, *, after_s: float = 3_600.0) -> None:
        """Let real time pass for every attempt under way, then inquire, as the job does."""
        await aging.age_attempts(self.runtime, by_s=after_s)
        while await jobs.inquire_withdrawals(self.runtime):
            pass

    def limit(self, **limits: Any) -> None:
        """Set withdrawal_approval_limits or withdrawal_daily_limits."""
        settings = {f"withdrawal_{name}_limits": each for name, each in limits.items()}
        self.runtime.settings = self.runtime.settings.model_copy(update=settings)

    def stand_at(self, moment: datetime) -> None:
        """Move the clock forward."""
        clock = self.runtime.clock
        assert isinstance(clock, ManualClock)
        clock.advance(moment - clock.now())

    def pass_time(self, seconds: float) -> None:
        self.stand_at(self.runtime.clock.now() + timedelta(seconds=seconds))

    async def told(self, withdrawal_id: str) -> list[Any]:
        """Give a withdrawal's events, in order, checked to be of its journey and without a gap."""
        rows = await outbox_events(self.runtime, withdrawal_id)
        events: list[Any] = [self.runtime.codec.decode(row["value"]) for row in rows]
        assert [event.aggregate_version for event in events] == list(range(1, len(events) + 1))
        assert {event.correlation_id for event in events} == {events[0].correlation_id}
        return events

    async def told_types(self, withdrawal_id: str) -> list[str]:
        return [type(event).__name__.removeprefix("Withdrawal") for event in await self.told(withdrawal_id)]

    async def count(self, table: str) -> int:
        return int((await self.runtime.read(lambda tx: tx.fetch(f"SELECT count(*) FROM {table}")))[0][0])

    def entry(self, kind: str, effect: int, amount_minor: int, currency_code: str) -> accounting_events.Entry:
        return accounting_events.Entry(
            account_id="acc_" + "1" * 32,
            account_kind=kind,
            merchant_id=self.merchant_id,
            side=accounting_events.Side.DEBIT if effect > 0 else accounting_events.Side.CREDIT,
            effect=effect,
            amount_minor=amount_minor,
            currency_code=currency_code,
        )


def by_amount(fates: dict[int, str]) -> Callable[[Any], str]:
    """Decide the bank's answer by the amount; it pays all others."""
    return lambda request: fates.get(request.amount.amount_minor, "approve")


def payment_contradicted(
    merchant_id: str, contradiction_id: str, *, needs_decision: bool, currency_code: str = "USD"
) -> payment_events.DisputeContradicted:
    return payment_events.DisputeContradicted(
        **DISPUTED,
        **_about(merchant_id, currency_code),
        contradiction_id=contradiction_id,
        dispute_id="dsp_1",
        reason=payment_events.DisputeReason.FRAUD,
        channel="simulator",
        channel_reference="dp_1",
        capture_id=None,
        kind=payment_events.ContradictionKind.OTHER_AMOUNT,
        recorded_state="LOST",
        reported_outcome="WON",
        reported_minor=None,
        needs_decision=needs_decision,
    )


def payment_resolved(merchant_id: str, contradiction_id: str) -> payment_events.PaymentContradictionResolved:
    return payment_events.PaymentContradictionResolved(
        **_about(merchant_id, "USD"),
        contradiction_id=contradiction_id,
        resolution=payment_events.ContradictionResolution.WRITE_OFF,
        charged_minor=0,
        written_off_minor=100,
        proposer="clerk",
        reason="so it is",
    )


def _about(merchant_id: str, currency_code: str) -> dict[str, Any]:
    return {
        "occurred_at": START,
        "merchant_id": merchant_id,
        "correlation_id": "cor_1",
        "aggregate_version": 5,
        "payment_id": "pay_1",
        "order_id": None,
        "merchant_reference": "basket-1",
        "amount_minor": 100,
        "currency_code": currency_code,
    }


database_url = shared_database.of_a_module()
emptied = shared_database.emptied("withdrawal")


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[tuple[ScriptedBank, str]]:
    scripted = ScriptedBank()  # type: ignore[abstract]  # Methods that withdrawal does not call are not there.
    async with served(scripted, tmp_path) as address:
        yield scripted, address


@pytest.fixture
async def treasury(runtime_of: RuntimeOf, bank: tuple[ScriptedBank, str]) -> Treasury:
    act_as("shop")
    runtime = await runtime_of(SERVICE)
    runtime.settings = runtime.settings.model_copy(update={"channel_address": bank[1]})
    made = Treasury(runtime, bank[0])
    await made.know_merchant()
    made.bank_account_id = await made.open_account()
    return made
