"""A journey on the running line: asks what its plan says, beside the worlds that could have given the same answers."""

import asyncio
import contextlib
import copy
import itertools
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

import grpc
from google.protobuf import field_mask_pb2

from paykit.money import AMOUNT_MINOR_MAX
from paystream.channel.v1 import channel_pb2
from paystream.merchant.v1 import merchant_pb2
from paystream.withdrawal.v1 import withdrawal_pb2
from tests.e2e.model import plans, rules, terms, views
from tests.e2e.model.agreement import Disagreement, differences, patiently
from tests.e2e.model.asking import (
    AnswerDispute,
    Ask,
    CancelOrder,
    CreateOrder,
    Decide,
    Pay,
    Refund,
    Settle,
    Withdraw,
)
from tests.e2e.model.plans import CLOSING, CURRENCIES, Plan, Step
from tests.e2e.model.requests import Requests
from tests.e2e.model.told import ToldPeople
from tests.e2e.model.views import View
from tests.e2e.model.world import World, together
from tests.line.clients import Clients, answered, call_through, new_request_id, refusal_of
from tests.line.waiting import WAIT_S_MAX

LEARNING = {"MERCHANT_UNKNOWN", "MERCHANT_NOT_ACTIVE", "ORDER_UNKNOWN"}
"""Refusals that pass: one service hears from another by events."""
RETRY_PAUSE_S = 0.2
PAYERS_TIME_S = 2 * 86_400
RECOVERED_FROM = "available", "reserve"
REQUESTER, DECIDER = "clerk", "chief"


class Journey:
    """One merchant's journey.

    Attributes:
        worlds: Those that fit what was answered so far; at least one.
        log: What was asked and answered, for a person.
        reasons: Of the refusals met.
    """

    def __init__(
        self, clients: Clients, plan: Plan, *, number: int, approval_limit: int, told: ToldPeople | None = None
    ) -> None:
        self._clients = clients
        self._told = told
        self._plan = plan
        self._number = number
        self._numbers = itertools.count()
        self._requests: Requests
        self._replies: list[tuple[Any, Any, Any]] = []
        self.merchant_id = ""
        reserve = plan.reserve_basis_points
        self.worlds = [World(fees=plan.fees, reserve_basis_points=reserve, approval_limit=approval_limit)]
        self.log: list[str] = []
        self.reasons: set[str] = set()

    async def begin(self) -> None:
        """Make the merchant, with a bank account in each currency."""
        clients = self._clients
        created = (
            await call_through(clients.merchant.CreateMerchant, terms.merchant(self._plan, f"Journey {self._number}"))
        ).merchant
        if self._told is not None:
            await self._told.know(self._number, created.merchant_id)
        activate = merchant_pb2.ActivateMerchantRequest(
            request_id=new_request_id(), merchant_id=created.merchant_id, etag=created.etag
        )
        await call_through(clients.merchant.ActivateMerchant, activate)
        self.merchant_id = created.merchant_id
        self._requests = Requests(clients, created.merchant_id)
        await self._give_payers_time()
        for currency in CURRENCIES:
            request = withdrawal_pb2.CreateBankAccountRequest(
                request_id=new_request_id(),
                merchant_id=self.merchant_id,
                currency_code=currency,
                token=f"bank_{currency}",
                last_four="0815",
            )
            reply, _ = await self._answer(clients.withdrawal.CreateBankAccount, request, "bank account")
            account_id = reply.bank_account.bank_account_id
            self._requests.bank_accounts[currency] = account_id
            await call_through(
                clients.withdrawal.VerifyBankAccount,
                withdrawal_pb2.VerifyBankAccountRequest(
                    request_id=new_request_id(),
                    bank_account_id=account_id,
                    result=withdrawal_pb2.VERIFICATION_RESULT_VERIFIED,
                ),
            )

    async def _give_payers_time(self) -> None:
        """Have the channel wait for payers longer than a run takes: only moved clocks end what they never do."""
        channel, whose = self._clients.channel, channel_pb2.GetBehaviourRequest(merchant_id=self.merchant_id)
        behaviour = (await call_through(channel.GetBehaviour, whose)).behaviour
        behaviour.action_expires_seconds = PAYERS_TIME_S
        request = channel_pb2.SetBehaviourRequest(
            request_id=new_request_id(), merchant_id=self.merchant_id, behaviour=behaviour
        )
        await call_through(channel.SetBehaviour, request)

    async def act(self, number: int) -> None:
        """Take the steps of one act, each after the one before has come to rest."""
        for step in self._plan.acts[number]:
            with self._telling():
                await self._step(step)

    async def pause(self) -> None:
        """Between the acts: change the plan, and stop the merchant for a while, as the plan of the journey says."""
        if self._plan.suspended:
            await self._be_suspended()
        if self._plan.changed_fees is None:
            return
        request = merchant_pb2.UpdateMerchantRequest(
            request_id=new_request_id(),
            merchant=merchant_pb2.Merchant(
                merchant_id=self.merchant_id, fee_plan=terms.fee_plan(self._plan.changed_fees)
            ),
            update_mask=field_mask_pb2.FieldMask(paths=["fee_plan"]),
        )
        await call_through(self._clients.merchant.UpdateMerchant, request)
        for world in self.worlds:
            world.fees = self._plan.changed_fees

    async def _be_suspended(self) -> None:
        """Be refused new business while suspended; afterwards all is as it was."""
        named = {"merchant_id": self.merchant_id}
        await call_through(
            self._clients.merchant.SuspendMerchant,
            merchant_pb2.SuspendMerchantRequest(request_id=new_request_id(), reason="a look at it", **named),
        )

        # More than there can be: refused for another reason as long as the merchant is active.
        method, request, metadata = await self._requests.make(Withdraw(-1, "USD", AMOUNT_MINOR_MAX))

        async def away() -> list[str]:
            _, reason = await self._answer(method, request, "withdrawal", metadata)
            return [] if reason == "MERCHANT_SUSPENDED" else [f"a withdrawal was answered {reason!r}"]

        await patiently(away, "suspended, the merchant goes on:")
        await call_through(
            self._clients.merchant.ActivateMerchant,
            merchant_pb2.ActivateMerchantRequest(request_id=new_request_id(), **named),
        )

    async def advance(self) -> None:
        """Wait until more than a week that has passed shows, and settle what that made pending.

        Raises:
            Disagreement: It does not.
        """
        with self._telling():
            await self._advance()

    async def _advance(self) -> None:
        before = copy.deepcopy(self.worlds[0])
        self.worlds = [after for world in self.worlds for after in world.advance(daily=self._plan.daily)]
        changed = [n for n, payment in self.worlds[0].payments.items() if payment != before.payments[n]]
        await self._rest_of(self._payment_view(number) for number in changed)
        for currency in CURRENCIES if self._plan.threshold is None else ():
            await self.do(Settle(currency))
        await self._close(CLOSING)

    async def _close(self, currency: str) -> None:
        """Begin nothing in a currency that was closed meanwhile, and go on with what there is in it."""
        for world in self.worlds:
            world.closed.add(currency)
        await self.do(Pay(next(self._numbers), currency, 1_000, manual=False, order=None))
        payments = self.worlds[0].payments.items()
        refundable = [n for n, each in payments if each.currency == currency and each.refundable > 0]
        for number in refundable[:1]:
            await self.do(Refund(number, 1))
        await self._absorb()
        if able := self.worlds[0].withdrawable(currency):
            await self.do(Withdraw(next(self._numbers), currency, rules.ordinary(able)))

    async def compare(self) -> None:
        """Hold everything that is to be seen against the worlds, to the minor unit.

        Raises:
            Disagreement: No world looks like that.
        """
        await self._absorb()
        seen = await self.seen()
        wanted = [self._wanted(world) for world in self.worlds]
        if seen not in wanted:
            raise Disagreement(f"{self}\n" + "\n".join(differences(seen, wanted)))
        self.worlds = [world for world, each in zip(self.worlds, wanted, strict=True) if each == seen]
        await self._compare_settlements()

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
        """Tell of the journey with whatever goes wrong."""
        try:
            yield
        except Exception as error:
            raise Disagreement(f"{self}\n{error}") from error

    def __str__(self) -> str:
        """Tell the plan and what happened so far."""
        return "\n".join([f"journey {self._number} of merchant {self.merchant_id}: {self._plan}", *self.log])

    async def _step(self, step: Step) -> None:
        if step.kind == "again":
            await self._again(step.pick)
            return
        if step.kind in plans.OF_FUNDS:
            await self._absorb()
        kinds = [step.kind, *([step.beside] if step.beside else [])]
        asks = [plans.meant(step, kind, self.worlds[0], next(self._numbers)) for kind in kinds]
        wanted = [ask for ask in asks if not (isinstance(ask, Settle) and self._plan.threshold)]
        await self.do(*wanted, twice=step.twice)

    async def do(self, *asks: Ask, twice: bool = False) -> Sequence[str]:
        """Ask for all at once, wait until all has come to rest, and give the reasons of the refusals."""
        for ask in asks:
            if isinstance(ask, Settle):
                await self._rest_of(self._funds_views(ask.currency))
        answers = await asyncio.gather(*(self._ask(ask, twice=twice) for ask in asks))
        self.reasons.update(answers)
        self.log.append(f"{list(zip(asks, answers, strict=True))}")
        self._keep(asks, answers)
        await self._rest_of(itertools.chain.from_iterable(self._touched(ask) for ask in asks))
        await self._rest_of_debts(asks)
        return answers

    async def _ask(self, ask: Ask, *, twice: bool) -> str:
        """Ask once, or twice at once with the same request_id; give the reason of a refusal, or nothing."""
        method, request, metadata = await self._requests.make(ask)
        pair = [self._answer(method, request, ask, metadata) for _ in range(2 if twice else 1)]
        answers = await asyncio.gather(*pair)
        if any(answer != answers[0] for answer in answers):
            raise Disagreement(f"{ask} sent twice was answered {answers}")
        reply, reason = answers[0]
        if reply is not None:
            self._requests.learn(ask, reply)
            self._replies.append((method, request, (reply, metadata)))
        return reason

    async def _answer(self, method: Any, request: Any, what: object, metadata: Any = None) -> tuple[Any, str]:
        """Give the reply, or the reason of the refusal, once the services know what they must have heard."""
        async with asyncio.timeout(WAIT_S_MAX):
            while True:
                try:
                    return await call_through(method, request, timeout_s=WAIT_S_MAX, metadata=metadata), ""
                except grpc.aio.AioRpcError as error:
                    refusal = refusal_of(error)
                    if error.code() is grpc.StatusCode.INTERNAL:
                        raise Disagreement(f"{what}: {error}") from error
                    if refusal.reason not in LEARNING:
                        return None, refusal.reason
                await asyncio.sleep(RETRY_PAUSE_S)

    async def _again(self, pick: int) -> None:
        """Repeat a request that was granted: it is answered as it was, and nothing happens."""
        if self._replies:
            method, request, (reply, metadata) = self._replies[pick % len(self._replies)]
            made = await answered(method, request, timeout_s=WAIT_S_MAX, metadata=metadata)
            self.log.append(f"again: {type(request).__name__}")
            assert await made == reply, f"{request} was answered differently again"
            assert ("paystream-replayed", "true") in list(await made.trailing_metadata())

    def _keep(self, asks: Sequence[Ask], answers: Sequence[str]) -> None:
        """Keep the worlds in which these answers could have been given."""
        kept: list[World] = []
        for world in self.worlds:
            for order in itertools.permutations(zip(asks, answers, strict=True)):
                kept += [each for each in together(world, order) if each not in kept]
        if not kept:
            raise Disagreement(f"no order of {asks} is answered {answers}")
        self.worlds = kept

    async def _rest_of(self, looks: Any) -> None:
        """Wait until everything that was touched looks as in one of the worlds."""
        for name, see, wanted in list(looks):
            await self._until_like(name, see, [wanted(world) for world in self.worlds])

    async def _until_like(
        self, name: str, see: Callable[[Sequence[View]], Awaitable[View]], hoped: Sequence[View]
    ) -> None:
        async def away() -> list[str]:
            seen = await see(hoped)
            return [] if seen in hoped else differences(seen, hoped)

        await patiently(away, f"{name} never came to be as it should:")

    def _touched(self, ask: Ask) -> Iterator[Any]:
        """Give what a request may change: its name, how it is seen, and how a world shows it."""
        world = self.worlds[0]
        payments: set[int] = set()
        orders: set[int] = set()
        match ask:
            case CreateOrder(number=number) | CancelOrder(order=number):
                orders.add(number)
                payments |= {each for each, payment in world.payments.items() if payment.order == number}
            case Pay(number=number):
                payments |= {number} & set(world.payments)
                orders |= {ask.order} if ask.order is not None else set()
            case Settle():
                yield from self._funds_views(ask.currency)
            case Withdraw(number=number) | Decide(withdrawal=number):
                yield from self._withdrawal_view(number)
            case _:
                payments.add(ask.payment)
                order = world.payments[ask.payment].order
                orders |= {order} if order is not None else set()
        for number in payments:
            yield self._payment_view(number)
        for number in orders:
            yield self._order_view(number)
        if isinstance(ask, AnswerDispute):
            yield self._payment_view(ask.payment)

    async def _rest_of_debts(self, asks: Sequence[Ask]) -> None:
        """Wait until all is booked of a merchant that has what debts are recovered from: what was first shows there."""
        for currency in {self._currency_of_payer(ask) for ask in asks} - {""}:
            if any(world.accounts.get((currency, each), 0) for each in RECOVERED_FROM for world in self.worlds):
                await self._rest_of(self._funds_views(currency))
                await self._absorb()

    def _currency_of_payer(self, ask: Ask) -> str:
        """Give the currency of a request about what payers pay; `""` of others."""
        world = self.worlds[0]
        match ask:
            case Pay(currency=currency):
                return currency
            case CancelOrder(order=number):
                return world.orders[number].currency
            case CreateOrder() | Settle() | Withdraw() | Decide():
                return ""
            case _:
                return world.payments[ask.payment].currency

    def _payment_view(self, number: int) -> Any:
        payment_id = self._requests.ids["payment", number]
        return (
            f"payment {number}",
            lambda hoped: views.payment(self._clients, payment_id, hoped),
            lambda world: views.payment_in(world, number),
        )

    def _order_view(self, number: int) -> Any:
        order_id = self._requests.ids["order", number]
        return (
            f"order {number}",
            lambda _hoped: views.order(self._clients, order_id),
            lambda world: views.order_in(world, number),
        )

    def _withdrawal_view(self, number: int) -> Iterator[Any]:
        if number in self.worlds[0].withdrawals:
            withdrawal_id = self._requests.ids["withdrawal", number]
            yield (
                f"withdrawal {number}",
                lambda _hoped: views.withdrawal(self._clients, withdrawal_id),
                lambda world: views.withdrawal_in(world, number),
            )
            yield from self._funds_views(self.worlds[0].withdrawals[number].currency)

    def _funds_views(self, currency: str) -> Iterator[Any]:
        """Of a merchant that settles by itself, only what is in no world yet could be seen: it is left to `_absorb`."""
        if self._plan.threshold is None:
            yield (
                f"funds in {currency}",
                lambda hoped: views.funds(self._clients, self.merchant_id, currency, hoped),
                lambda world: views.funds_in(world, currency),
            )

    async def _absorb(self) -> None:
        """Take over the settlements that a threshold started: what they hold depends on what arrived together."""
        if self._plan.threshold is None:
            return

        await patiently(self._take_over, "what the threshold settled does not add up:")

    async def _take_over(self) -> list[str]:
        """Take over what is settled now, and say what keeps the merchant from being at rest."""
        worlds = [copy.deepcopy(world) for world in self.worlds]
        for made in await views.settlements(self._clients, self.merchant_id):
            for world in worlds if made.HasField("close_time") else ():
                self._absorb_one(world, made)
        for world in worlds:
            world.recover()
        seen = {each: await views.funds(self._clients, self.merchant_id, each) for each in CURRENCIES}
        hoped = [{each: views.funds_in(world, each) for each in CURRENCIES} for world in worlds]
        if seen not in hoped:
            return differences(seen, hoped)
        self.worlds = [world for world, each in zip(worlds, hoped, strict=True) if each == seen]
        due = [each for each, funds in seen.items() if funds["pending"] >= (self._plan.threshold or 0)]
        return [f"{each}: the threshold is reached, and nothing is settled" for each in due]

    def _absorb_one(self, world: World, made: Any) -> None:
        known = {each.settlement_id for each in world.settlements}
        if made.settlement_id not in known:
            assert int(made.sums.total_minor) >= (self._plan.threshold or 0), made
            world.book_settlement(
                made.currency_code,
                int(made.sums.total_minor),
                released=int(made.sums.reserve_released_minor),
                settlement_id=made.settlement_id,
            )

    async def seen(self) -> View:
        """Show all there is of the merchant, without ids and times."""
        ids: dict[str, dict[int, str]] = {"payment": {}, "order": {}, "withdrawal": {}}
        for (kind, number), each in self._requests.ids.items():
            ids[kind][number] = each
        seen: View = {"accounts": await views.accounts(self._clients, self.merchant_id)}
        seen |= await views.payments(self._clients, self.merchant_id, ids["payment"])
        for number, each in ids["order"].items():
            seen[f"order {number}"] = await views.order(self._clients, each)
        for number, each in ids["withdrawal"].items():
            seen[f"withdrawal {number}"] = await views.withdrawal(self._clients, each)
        for currency in CURRENCIES:
            seen[f"funds in {currency}"] = await views.funds(self._clients, self.merchant_id, currency)
        return seen

    def _wanted(self, world: World) -> View:
        wanted: View = {"accounts": views.accounts_in(world)}
        wanted |= {f"payment {number}": views.payment_in(world, number) for number in world.payments}
        wanted |= {f"order {number}": views.order_in(world, number) for number in world.orders}
        wanted |= {f"withdrawal {number}": views.withdrawal_in(world, number) for number in world.withdrawals}
        return wanted | {f"funds in {currency}": views.funds_in(world, currency) for currency in CURRENCIES}

    async def _compare_settlements(self) -> None:
        """Check that items sum up to their settlements, and pending ones to the ledger's balance."""
        [world, *_] = self.worlds
        balances = {currency: world.accounts.get((currency, "settlement"), 0) for currency in CURRENCIES}
        closed = []
        for made in await views.settlements(self._clients, self.merchant_id):
            items = await views.items(self._clients, made.settlement_id)
            total = sum(each.amount_minor + each.fee_minor for each in items)
            assert (total, len(items)) == (int(made.sums.total_minor), made.sums.item_count), f"{self}\n{made}\n{items}"
            if made.HasField("close_time"):
                closed.append((made.currency_code, total, made.reserve_held_minor, made.net_minor))
            else:
                balances[made.currency_code] -= total
        assert not any(balances.values()), f"{self}\npending items leave {balances} of the ledger's balances"
        booked = [(each.currency, each.total, each.reserve, each.total - each.reserve) for each in world.settlements]
        assert sorted(closed) == sorted(booked), f"{self}\n{closed}\n{booked}"
