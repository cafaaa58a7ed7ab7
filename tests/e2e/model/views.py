"""What is to be seen of a merchant's line: by its services' own calls, and in a world, in the same words."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from paystream.accounting.v1 import accounting_pb2
from paystream.order.v1 import order_pb2
from paystream.payment.v1 import payment_pb2
from paystream.settlement.v1 import settlement_pb2
from paystream.withdrawal.v1 import withdrawal_pb2
from tests.e2e.model import rules
from tests.e2e.model.world import World
from tests.line.clients import Clients, call_through

PAGE_SIZE = 1_000
PREFIX = "merchant."

FAILED_TRY = payment_pb2.REFUND_STATE_FAILED, payment_pb2.REFUND_REASON_CONTRADICTION
"""What is given back after a contradiction is tried until it is done, how often is not foretold."""

View = dict[str, Any]


async def payment(clients: Clients, payment_id: str, hoped: Sequence[View] = ()) -> View:
    """Show a payment with its captures, refunds and disputes; these two only once the rest is as hoped."""
    got = await call_through(clients.payment.GetPayment, payment_pb2.GetPaymentRequest(payment_id=payment_id))
    seen = _payment(got)
    if hoped and not any(seen == {name: each[name] for name in seen} for each in hoped):
        return seen
    refunds = await call_through(clients.payment.ListRefunds, payment_pb2.ListRefundsRequest(payment_id=payment_id))
    return seen | _given_back(refunds.refunds, await disputes(clients, payment_id))


async def payments(clients: Clients, merchant_id: str, payment_ids: Mapping[int, str]) -> dict[str, View]:
    """Show payments of one merchant as `payment` does each."""
    whose = payment_pb2.ListRefundsRequest(merchant_id=merchant_id, page_size=PAGE_SIZE)
    refunds = (await call_through(clients.payment.ListRefunds, whose)).refunds
    of = payment_pb2.ListDisputesRequest(merchant_id=merchant_id, page_size=PAGE_SIZE)
    disputed = list(reversed((await call_through(clients.payment.ListDisputes, of)).disputes))
    shown = {}
    for number, payment_id in payment_ids.items():
        got = await call_through(clients.payment.GetPayment, payment_pb2.GetPaymentRequest(payment_id=payment_id))
        own = [[each for each in found if each.payment_id == payment_id] for found in (refunds, disputed)]
        shown[f"payment {number}"] = _payment(got) | _given_back(*own)
    return shown


def _given_back(refunds: Iterable[Any], disputes_: Iterable[Any]) -> View:
    return {
        "refunds": sorted(
            (
                each.amount.amount_minor,
                word(payment_pb2.RefundState, each.state),
                each.fee_returned_minor,
                word(payment_pb2.RefundReason, each.reason),
            )
            for each in refunds
            if (each.state, each.reason) != FAILED_TRY
        ),
        "disputes": [(each.amount.amount_minor, word(payment_pb2.DisputeState, each.state)) for each in disputes_],
    }


def _payment(got: payment_pb2.GetPaymentResponse) -> View:
    seen, manual = got.payment, got.payment.capture_mode == payment_pb2.CAPTURE_MODE_MANUAL
    return {
        "state": word(payment_pb2.PaymentState, seen.state),
        "authorized": seen.authorized_minor,
        "captured": seen.captured_minor,
        "reversed": seen.reversed_minor,
        "refunded": seen.refunded_minor,
        "waits_for": seen.next_action.WhichOneof("action") or "",
        "held": seen.capturing_minor + seen.refunding_minor,
        "disputed": seen.disputed_minor,
        "cancelled": seen.cancelled_minor,
        "capturable": seen.capturable_minor,
        "fee": seen.fee_minor,
        "fee_returned": seen.fee_returned_minor,
        "captures": sorted(
            (_taken(each), word(payment_pb2.CaptureState, each.state), each.fee_minor)
            for each in got.captures
            if manual or each.state == payment_pb2.CAPTURE_STATE_SUCCEEDED
        ),
    }


def _taken(capture: Any) -> int:
    """Give what was taken, which may be a part of what was asked for."""
    return int(capture.captured_minor or capture.amount.amount_minor)


def payment_in(world: World, number: int) -> View:
    """Show a payment of a world."""
    seen = world.payments[number]
    return {
        "state": seen.state,
        "authorized": seen.authorized,
        "captured": seen.captured,
        "reversed": seen.reversed,
        "refunded": seen.refunded,
        "waits_for": rules.waits_for(seen.amount) if seen.state == "REQUIRES_ACTION" else "",
        "held": 0,
        "disputed": seen.disputed,
        "cancelled": seen.cancelled,
        "capturable": seen.capturable,
        "fee": seen.fee,
        "fee_returned": seen.fee_returned,
        "captures": sorted((each.amount, each.state, each.fee) for each in seen.captures),
        "refunds": sorted((each.amount, each.state, each.fee, each.note) for each in seen.refunds),
        "disputes": [(each.amount, each.state) for each in seen.disputes],
    }


async def disputes(clients: Clients, payment_id: str) -> list[Any]:
    """Give a payment's disputes, oldest first."""
    request = payment_pb2.ListDisputesRequest(payment_id=payment_id)
    return list(reversed((await call_through(clients.payment.ListDisputes, request)).disputes))


async def order(clients: Clients, order_id: str) -> View:
    """Show an order."""
    seen = (await call_through(clients.order.GetOrder, order_pb2.GetOrderRequest(order_id=order_id))).order
    return {
        "state": word(order_pb2.OrderState, seen.state),
        "paid": seen.paid_minor,
        "refunded": seen.refunded_minor,
        "fully_refunded": seen.fully_refunded,
    }


def order_in(world: World, number: int) -> View:
    """Show an order of a world."""
    seen = world.orders[number]
    return {
        "state": seen.state,
        "paid": seen.paid,
        "refunded": seen.refunded,
        "fully_refunded": 0 < seen.captured == seen.refunded,
    }


async def withdrawal(clients: Clients, withdrawal_id: str) -> View:
    """Show a withdrawal."""
    request = withdrawal_pb2.GetWithdrawalRequest(withdrawal_id=withdrawal_id)
    seen = (await call_through(clients.withdrawal.GetWithdrawal, request)).withdrawal
    return {
        "state": word(withdrawal_pb2.WithdrawalState, seen.state),
        "amount": seen.amount.amount_minor,
        "approval": seen.approval_required,
    }


def withdrawal_in(world: World, number: int) -> View:
    """Show a withdrawal of a world."""
    seen = world.withdrawals[number]
    return {"state": seen.state, "amount": seen.amount, "approval": seen.approval}


async def funds(clients: Clients, merchant_id: str, currency: str, hoped: Sequence[View] = ()) -> View:
    """Show what is pending of a merchant in a currency, and what can be withdrawn once the rest is as hoped."""
    pending = settlement_pb2.GetPendingBalanceRequest(merchant_id=merchant_id, currency_code=currency)
    found = (await call_through(clients.settlement.GetPendingBalance, pending)).balances
    seen = {
        "pending": sum(int(each.pending.total_minor) for each in found),
        "settling": sum(int(each.settling_minor) for each in found),
        "balance": sum(int(each.balance_minor) for each in found),
    }
    if hoped and not any(seen == {name: each[name] for name in seen} for each in hoped):
        return seen
    wanted = withdrawal_pb2.GetWithdrawableBalanceRequest(merchant_id=merchant_id, currency_code=currency)
    able = await call_through(clients.withdrawal.GetWithdrawableBalance, wanted)
    count = sum([await _payers_items(clients, each) for each in await settlements(clients, merchant_id, currency)])
    return seen | {"withdrawable": int(able.withdrawable_minor), "items": count}


async def _payers_items(clients: Clients, made: Any) -> int:
    """Count the items of a settlement that payments, refunds and disputes made."""
    kinds = settlement_pb2.ITEM_KIND_PAYMENT, settlement_pb2.ITEM_KIND_REFUND, settlement_pb2.ITEM_KIND_DISPUTE
    return sum(each.kind in kinds for each in await items(clients, made.settlement_id))


def funds_in(world: World, currency: str) -> View:
    """Show the same of a world."""
    balance = world.accounts.get((currency, "settlement"), 0)
    return {
        "pending": balance,
        "settling": 0,
        "balance": balance,
        "withdrawable": world.withdrawable(currency),
        "items": world.items[currency],
    }


async def accounts(clients: Clients, merchant_id: str) -> View:
    """Show the balances of a merchant's accounts in the ledger; those at zero are left out."""
    request = accounting_pb2.ListAccountsRequest(merchant_id=merchant_id, page_size=PAGE_SIZE)
    found = {}
    for account in (await call_through(clients.accounting.ListAccounts, request)).accounts:
        asked = accounting_pb2.GetBalanceRequest(account_id=account.account_id)
        balance = int((await call_through(clients.accounting.GetBalance, asked)).balance_minor)
        found[f"{account.currency_code} {account.account_kind.removeprefix(PREFIX)}"] = balance
    return {name: balance for name, balance in found.items() if balance}


def accounts_in(world: World) -> View:
    """Show the same of a world."""
    return {f"{currency} {kind}": balance for (currency, kind), balance in world.accounts.items() if balance}


async def settlements(clients: Clients, merchant_id: str, currency: str = "") -> list[Any]:
    """Give a merchant's settlements, in one currency or in all, oldest first."""
    request = settlement_pb2.ListSettlementsRequest(
        merchant_id=merchant_id, currency_code=currency, page_size=PAGE_SIZE
    )
    return list(reversed((await call_through(clients.settlement.ListSettlements, request)).settlements))


async def items(clients: Clients, settlement_id: str) -> list[Any]:
    """Give all items of a settlement."""
    request = settlement_pb2.ListSettlementItemsRequest(settlement_id=settlement_id, page_size=PAGE_SIZE)
    reply = await call_through(clients.settlement.ListSettlementItems, request)
    assert not reply.next_page_token
    return list(reply.items)


def word(enum: Any, value: int) -> str:
    """Give the last part of an enum value's name: `SUCCEEDED` of `PAYMENT_STATE_SUCCEEDED`."""
    zero = str(enum.Name(0))
    return str(enum.Name(value)).removeprefix(zero.removesuffix("UNSPECIFIED"))
