"""The stages of the demo's money line in order, each told in a line as it ends, each figure held against the script."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from paykit.money import Money, format_money
from paystream.merchant.v1 import merchant_pb2
from paystream.settlement.v1 import settlement_pb2
from paytools.demo import line
from paytools.demo import line_script as script
from paytools.demo.clients import Clients, DemoFailedError
from paytools.demo.command import paystream
from paytools.demo.findings import read_balances
from paytools.demo.line_script import Course

PAST_CUT_OFF = "26h"
"""Twice this is always past a daily cut-off and the day after it."""
PAST_RESERVE = "8d"


class LinePlay:
    """The line's part of the demo: two shops, from orders to what their bank has.

    Args:
        home: Of the demo's stack, for the commands.
        manual_merchants: Merchants of the traffic before, whose funds are settled by hand at the end.
    """

    def __init__(self, console: Console, clients: Clients, *, home: Path, manual_merchants: Sequence[str]) -> None:
        self._console = console
        self._clients = clients
        self._home = home
        self._manual_merchants = manual_merchants

    async def play(self) -> None:
        """Run it and show it.

        Raises:
            DemoFailedError: Something is not as it must be.
        """
        self._console.print("\nThe money line", style="bold")
        first, story_order = await self._first_shop()
        second = await self._second_shop()
        await self._settle_the_rest(first)
        await self._check_books(first, second)
        self._console.print("\nThe story of one order", style="bold")
        self._command("journey", story_order)
        self._console.print("\nThe books, and what is on its way", style="bold")
        self._command("ledger", "balances", "--explain")

    async def _first_shop(self) -> tuple[str, str]:
        """Pay an order in two captures, settle it by the threshold and withdraw it with a second person."""
        clients = self._clients
        policy = merchant_pb2.SettlementPolicy(
            schedule=merchant_pb2.SETTLEMENT_SCHEDULE_THRESHOLD,
            thresholds=[
                merchant_pb2.SettlementThreshold(currency_code=script.CURRENCY, threshold_minor=script.THRESHOLD_MINOR)
            ],
            reserve_basis_points=script.RESERVE_BASIS_POINTS,
            reserve_days=script.RESERVE_DAYS,
        )
        shop = await line.create_shop(clients, script.FIRST_SHOP, script.FIRST_FEE, policy, returned=False)
        account_id = await line.open_account(clients, shop)
        order_id = await line.create_order(clients, shop, "order 4711", script.STORY_ITEMS)
        payment_id = await line.pay(clients, shop, order_id, script.STORY_TOTAL_MINOR, manual=True)
        await line.payment_until(
            clients, payment_id, "authorized", lambda p: p.authorized_minor == script.STORY_TOTAL_MINOR
        )
        first_part, second_part = script.STORY_CAPTURES_MINOR
        await line.capture(clients, payment_id, first_part, first_part)
        await line.refund(clients, payment_id, script.STORY_REFUND_MINOR)
        await line.pending_until(clients, shop, script.STORY_PENDING_MINOR)
        # A part of the first capture went back meanwhile: the last one settles the order at what is paid then.
        await line.capture(clients, payment_id, second_part, script.STORY_TOTAL_MINOR, final=True)
        await line.order_until(clients, order_id, "PAID")
        self._tell(f"{script.FIRST_SHOP}: an order of {_money(script.STORY_TOTAL_MINOR)} is paid in two captures")
        settlement = await line.completed_settlement(clients, shop)
        _require(settlement, script.STORY_SETTLED_MINOR, script.STORY_RESERVE_MINOR, script.STORY_NET_MINOR)
        self._tell_settlement("by the threshold", settlement)
        await self._withdraw_with_second_person(shop, account_id)
        return shop, order_id

    async def _withdraw_with_second_person(self, shop: str, account_id: str) -> None:
        clients = self._clients
        asked = await line.withdraw(clients, shop, account_id, script.STORY_NET_MINOR)
        if not asked.approval_required:
            raise DemoFailedError(f"{_money(script.STORY_NET_MINOR)} could be withdrawn without a second person")
        await line.withdrawal_until(clients, asked.withdrawal_id, "HELD")
        refusal = await line.approve(clients, asked.withdrawal_id)
        self._tell(f"the withdrawal of {_money(script.STORY_NET_MINOR)} needs a second person: {refusal}")
        await line.withdrawal_until(clients, asked.withdrawal_id, "COMPLETED")
        self._tell(f"approved by the {line.TREASURER}, it is in the merchant's bank")

    async def _second_shop(self) -> str:
        """Take orders on every course, settle them by the cut-off a day later, and withdraw at the second try."""
        clients = self._clients
        policy = merchant_pb2.SettlementPolicy(
            schedule=merchant_pb2.SETTLEMENT_SCHEDULE_DAILY,
            cut_off_time=script.CUT_OFF_TIME,
            time_zone=script.TIME_ZONE,
            delay_days=script.DELAY_DAYS,
        )
        shop = await line.create_shop(clients, script.SECOND_SHOP, script.SECOND_FEE, policy, returned=True)
        account_id = await line.open_account(clients, shop)
        sold = await line.sell_all(clients, shop)
        courses = ", ".join(
            f"{sum(sold_item.sale.course is course for sold_item in sold)} {course}" for course in Course
        )
        self._tell(f"{script.SECOND_SHOP}: {len(sold)} orders: {courses}")
        await line.pending_until(clients, shop, script.SECOND_NET_MINOR)
        self._advance(PAST_CUT_OFF, times=2)
        [expired] = [sold_item for sold_item in sold if sold_item.sale.course is Course.EXPIRED]
        await line.order_until(clients, expired.order_id, "EXPIRED")
        settlement = await line.completed_settlement(clients, shop)
        _require(settlement, script.SECOND_NET_MINOR, 0, script.SECOND_NET_MINOR)
        self._tell_settlement("by the cut-off, a day later", settlement)
        failing = await line.withdraw(clients, shop, account_id, script.DECLINED_BY_BANK_MINOR)
        failed = await line.withdrawal_until(clients, failing.withdrawal_id, "FAILED")
        self._tell(f"a withdrawal of {_money(script.DECLINED_BY_BANK_MINOR)} fails at the bank: {failed.failure_code}")
        second_try = await line.withdraw(clients, shop, account_id, script.SECOND_NET_MINOR)
        await line.withdrawal_until(clients, second_try.withdrawal_id, "COMPLETED")
        self._tell(f"its hold was released: all {_money(script.SECOND_NET_MINOR)} are withdrawn")
        return shop

    async def _settle_the_rest(self, first: str) -> None:
        """Settle the merchants of the traffic by hand, and let the reserve's time pass."""
        settled = [await line.settle_by_hand(self._clients, merchant_id) for merchant_id in self._manual_merchants]
        self._tell(f"the other merchants are settled by hand: {sum(settled)} settlements")
        self._advance(PAST_RESERVE, times=1)
        await line.pending_until(self._clients, first, script.STORY_RESERVE_MINOR)
        self._tell(f"the reserve of {_money(script.STORY_RESERVE_MINOR)} is released and awaits the next settlement")

    async def _check_books(self, first: str, second: str) -> None:
        """Hold every account of both shops against the script."""
        balances = {
            (balance.account.merchant_id, balance.account.account_kind): balance.balance_minor
            for balance in await read_balances(self._clients)
            if balance.balance_minor and balance.account.merchant_id in (first, second)
        }
        if balances != {(first, "merchant.settlement"): script.STORY_RESERVE_MINOR}:
            raise DemoFailedError(f"the shops hold {balances}, not the released reserve alone")

    def _advance(self, by: str, *, times: int) -> None:
        for _ in range(times):
            paystream(self._home, "clock", "advance", by)
        self._tell(f"paystream clock advance {by}" + (f", {times} times" if times > 1 else ""))

    def _command(self, *words: str) -> None:
        """Run a paystream command on the demo's stack and show what it prints."""
        self._console.print(f"paystream {' '.join(words)}", style="dim")
        for output in paystream(self._home, *words):
            self._tell(output)

    def _tell_settlement(self, how: str, settlement: Any) -> None:
        sums = settlement.sums
        held = (
            f", {_money(settlement.reserve_held_minor)} of it held in reserve" if settlement.reserve_held_minor else ""
        )
        self._tell(f"settled {how}: {sums.item_count} transactions, {_money(int(sums.total_minor))}{held}")

    def _tell(self, what: str) -> None:
        self._console.print(f"  {what}", markup=False, soft_wrap=True)


def _require(settlement: Any, total_minor: int, reserve_minor: int, net_minor: int) -> None:
    figures = (int(settlement.sums.total_minor), settlement.reserve_held_minor, settlement.net_minor)
    if figures != (total_minor, reserve_minor, net_minor):
        state = settlement_pb2.SettlementState.Name(settlement.state)
        raise DemoFailedError(
            f"{settlement.settlement_id} ({state}) is of {figures}, not {(total_minor, reserve_minor)}"
        )


def _money(amount_minor: int) -> str:
    return format_money(Money(amount_minor, script.CURRENCY))
