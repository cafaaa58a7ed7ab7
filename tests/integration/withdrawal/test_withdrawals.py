"""Withdrawals from their request to the bank: balance, limits, the ledger's hold and the second person."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from paykit.base.call import current_call
from paykit.base.four_eyes import SamePerson
from paykit.consume.delivery import Impossible
from paykit.errors import CurrencyUnknown, DomainError, IllegalTransition, RequestIdReused
from paykit.merchants.standing import MerchantNotActive, MerchantReferenceTaken, MerchantSuspended, MerchantUnknown
from paykit.serve import auth
from paykit.testing.runtimes import act_as
from paystream.merchant.v1.events import MerchantStatus
from paystream.withdrawal.v1 import withdrawal_pb2 as pb
from services.withdrawal import handlers, messages
from services.withdrawal.commands import withdrawal as commands
from services.withdrawal.domain.allowance import WithdrawalExceedsWithdrawable, WithdrawalLimitExceeded
from services.withdrawal.domain.bank_account import (
    BankAccountCurrencyMismatch,
    BankAccountNotFound,
    BankAccountNotVerified,
)
from services.withdrawal.domain.withdrawal import WithdrawalNotFound
from tests.integration.withdrawal.conftest import ANY, TOKEN, Treasury


async def test_only_what_is_settled_can_be_withdrawn(treasury: Treasury) -> None:
    with pytest.raises(WithdrawalExceedsWithdrawable) as nothing:
        await treasury.create(1)
    await treasury.settle(10_000)

    made = await treasury.create(6_000)
    with pytest.raises(WithdrawalExceedsWithdrawable) as refused:
        await treasury.create(4_001)

    assert nothing.value.metadata == {"withdrawable_minor": "0", "currency_code": "USD"}
    assert refused.value.metadata == {"withdrawable_minor": "4000", "currency_code": "USD"}
    assert (made.state, made.requester, made.approval_required) == (pb.WITHDRAWAL_STATE_CREATED, "shop", False)
    balance = await treasury.balance()
    assert (balance.settled_minor, balance.withdrawn_minor, balance.withdrawable_minor) == ("10000", "6000", "4000")
    [created] = await treasury.told(made.withdrawal_id)
    assert (created.amount_minor, created.bank_account_id) == (6_000, treasury.bank_account_id)
    assert (created.actor, created.approval_required) == ("shop", False)


async def test_nothing_goes_to_the_bank_before_the_ledger_holds_the_amount(treasury: Treasury) -> None:
    await treasury.settle(10_000)
    made = await treasury.create(6_000)

    await treasury.submit()
    assert treasury.bank.sent == {}
    await treasury.hold(made)
    assert await treasury.state(made.withdrawal_id) == "APPROVED"
    await treasury.submit()

    paid = await treasury.get(made.withdrawal_id)
    assert (paid.state, paid.channel, paid.channel_reference) == (pb.WITHDRAWAL_STATE_COMPLETED, "simulator", "ch_1")
    assert (paid.decider, paid.funds_held) == ("", True)
    attempt = await treasury.attempt(made.withdrawal_id)
    assert treasury.bank.sent == {attempt.attempt_id: 1}
    assert await treasury.told_types(made.withdrawal_id) == ["Created", "Approved", "Submitted", "Completed"]
    _, approved, submitted, completed = await treasury.told(made.withdrawal_id)
    assert (approved.automatic, approved.actor) == (True, None)
    assert (submitted.attempt_id, submitted.channel) == (attempt.attempt_id, "simulator")
    assert (completed.channel_reference, completed.causation_id) == ("ch_1", attempt.attempt_id)


async def test_a_hold_told_twice_pays_once(treasury: Treasury) -> None:
    await treasury.settle(10_000)
    made = await treasury.create(6_000)
    event = treasury.booked(made.withdrawal_id, 6_000)

    await treasury.deliver(handlers.on_transaction_created, made.withdrawal_id, event, event)
    assert await treasury.hold(made) is None
    await treasury.submit()

    assert list(treasury.bank.sent.values()) == [1]
    assert await treasury.hold(made) is None
    assert await treasury.told_types(made.withdrawal_id) == ["Created", "Approved", "Submitted", "Completed"]


async def test_what_the_ledger_refuses_fails_and_can_be_withdrawn_again(treasury: Treasury) -> None:
    await treasury.settle(10_000)
    made = await treasury.create(10_000)

    for _ in range(2):
        assert await treasury.refuse(made.withdrawal_id) is None

    failed = await treasury.get(made.withdrawal_id)
    assert (failed.state, failed.failure_reason) == (pb.WITHDRAWAL_STATE_FAILED, "INSUFFICIENT_FUNDS")
    assert failed.funds_held is False
    _, event = await treasury.told(made.withdrawal_id)
    assert (event.funds_held, event.reason, event.failure_code) == (False, "INSUFFICIENT_FUNDS", None)
    assert await treasury.withdrawable() == 10_000
    contradicting = await treasury.hold(made)
    assert isinstance(contradicting, Impossible)
    assert contradicting.error.metadata == {"state": "FAILED", "action": "HOLD"}


async def test_a_refusal_after_the_hold_is_impossible(treasury: Treasury) -> None:
    await treasury.settle(10_000)
    made = await treasury.held(10_000)

    refused = await treasury.refuse(made.withdrawal_id)
    unknown = await treasury.refuse("wdr_" + "f" * 32)

    assert isinstance(refused, Impossible)
    assert refused.error.metadata == {"state": "APPROVED", "action": "REFUSE"}
    assert isinstance(unknown, Impossible)
    assert unknown.error.reason == "WITHDRAWAL_NOT_FOUND"
    assert await treasury.withdrawable() == 0


async def test_a_settlement_told_twice_counts_once_and_one_without_a_net_amount_for_nothing(treasury: Treasury) -> None:
    event = treasury.settled(10_000)

    await treasury.deliver(handlers.on_settlement_completed, event.settlement_id, event, event)
    await treasury.deliver(handlers.on_settlement_completed, event.settlement_id, event)
    await treasury.settle(500, net_minor=0, reserve_held_minor=500)
    await treasury.settle(700, currency_code="JPY")

    assert await treasury.withdrawable() == 10_000
    assert await treasury.withdrawable("JPY") == 700
    assert await treasury.count("credit") == 2


async def test_journals_on_what_is_available_change_the_balance_and_other_steps_do_not(treasury: Treasury) -> None:
    await treasury.settle(10_000)

    await treasury.adjust(-1, 2_500)
    assert await treasury.withdrawable() == 7_500
    await treasury.adjust(1, 100)
    assert await treasury.withdrawable() == 7_600
    for kind in ("SettlementCreated", "WithdrawalRejected", "WithdrawalReturned", "ReserveReleased"):
        event = treasury.booked("stl_1", 5_000, kind=kind, effect=1)
        await treasury.deliver(handlers.on_transaction_created, "stl_1", event)
    assert await treasury.withdrawable() == 7_600
    await treasury.adjust(-1, 9_000)

    assert (await treasury.balance()).settled_minor == "-1400"
    assert await treasury.withdrawable() == 0


async def test_an_event_may_come_before_the_merchant_is_known(treasury: Treasury) -> None:
    stranger = treasury.merchant_id = "mer_" + "e" * 32

    await treasury.settle(3_000)
    asked = asyncio.create_task(treasury.balance())
    await asyncio.sleep(0)
    await treasury.know_merchant(merchant_id=stranger)

    assert (await asked).withdrawable_minor == "3000"


async def test_a_merchant_that_may_do_no_business_cannot_withdraw(treasury: Treasury) -> None:
    await treasury.settle(10_000)
    act_as("shop").deadline = 0.0  # Nobody waits for a merchant here.

    with pytest.raises(MerchantUnknown):
        await treasury.create(1, merchant_id="mer_" + "f" * 32)
    with pytest.raises(MerchantUnknown):
        await treasury.call.GetWithdrawableBalance(
            pb.GetWithdrawableBalanceRequest(merchant_id="mer_" + "f" * 32, currency_code="USD"), ANY
        )
    await treasury.know_merchant(status=MerchantStatus.CREATED, aggregate_version=3)
    with pytest.raises(MerchantNotActive):
        await treasury.create(1)
    await treasury.know_merchant(status=MerchantStatus.SUSPENDED, aggregate_version=4)
    with pytest.raises(MerchantSuspended):
        await treasury.create(1)


async def test_withdrawals_go_to_verified_bank_accounts_of_the_merchant_in_their_currency(treasury: Treasury) -> None:
    await treasury.settle(10_000)
    fresh = await treasury.register(token="tok_other")
    other = await treasury.know_merchant(merchant_id="mer_" + "d" * 32)

    with pytest.raises(BankAccountNotVerified) as unverified:
        await treasury.create(1, bank_account_id=fresh.bank_account_id)
    with pytest.raises(BankAccountNotFound):
        await treasury.create(1, bank_account_id="bnk_" + "f" * 32)
    with pytest.raises(BankAccountNotFound):
        await treasury.create(1, merchant_id=other)
    with pytest.raises(BankAccountCurrencyMismatch) as mismatch:
        await treasury.create(1, "JPY")
    with pytest.raises(CurrencyUnknown):
        await treasury.create(1, "XXQ")

    assert unverified.value.metadata == {"state": "UNVERIFIED"}
    assert mismatch.value.metadata == {"currency_code": "USD"}
    assert await treasury.count("withdrawal") == 0


async def test_the_bank_is_told_where_the_money_goes(treasury: Treasury) -> None:
    await treasury.settle(10_000)
    requests: list[Any] = []

    def pay(request: Any) -> str:
        requests.append(request)
        return "approve"

    treasury.bank.fate = pay
    paid = await treasury.paid(6_000)

    [request] = requests
    assert (request.destination_token, request.merchant_id) == (TOKEN, treasury.merchant_id)
    assert (request.related_no, request.correlation_id) == (paid.withdrawal_id, "cor_test")
    assert (request.amount.amount_minor, request.amount.currency_code) == (6_000, "USD")


async def test_above_the_limit_a_second_person_decides(treasury: Treasury) -> None:
    treasury.limit(approval={"*": 5_000, "USD": 6_000})
    await treasury.settle(20_000)
    at_limit, above = await treasury.held(6_000), await treasury.held(6_001)

    assert (at_limit.state, above.state) == (pb.WITHDRAWAL_STATE_APPROVED, pb.WITHDRAWAL_STATE_HELD)
    assert (at_limit.approval_required, above.approval_required) == (False, True)
    await treasury.submit()
    assert await treasury.state(above.withdrawal_id) == "HELD"
    with pytest.raises(SamePerson) as same:
        await treasury.approve(above.withdrawal_id)
    act_as("boss")
    approved = await treasury.approve(above.withdrawal_id)
    await treasury.submit()

    assert same.value.metadata == {"requester": "shop"}
    assert (approved.state, approved.decider) == (pb.WITHDRAWAL_STATE_APPROVED, "boss")
    assert await treasury.told_types(above.withdrawal_id) == ["Created", "Approved", "Submitted", "Completed"]
    event = (await treasury.told(above.withdrawal_id))[1]
    assert (event.automatic, event.actor) == (False, "boss")


async def test_a_rejected_withdrawal_is_given_back_and_never_sent(treasury: Treasury) -> None:
    treasury.limit(approval={"*": 0})
    await treasury.settle(20_000)
    held = await treasury.held(6_000)

    with pytest.raises(SamePerson):
        await treasury.reject(held.withdrawal_id)
    act_as("boss")
    rejected = await treasury.reject(held.withdrawal_id)
    await treasury.submit()

    assert (rejected.state, rejected.decider) == (pb.WITHDRAWAL_STATE_REJECTED, "boss")
    assert (rejected.stated_reason.reason, rejected.stated_reason.caller) == ("not agreed", "boss")
    assert (await treasury.get(held.withdrawal_id)).stated_reason == rejected.stated_reason
    assert (await treasury.told(held.withdrawal_id))[-1].reason == "not agreed"
    assert await treasury.withdrawable() == 20_000
    assert treasury.bank.sent == {}
    assert await treasury.told_types(held.withdrawal_id) == ["Created", "Rejected"]
    with pytest.raises(IllegalTransition) as refused:
        await treasury.approve(held.withdrawal_id)
    assert refused.value.metadata == {"state": "REJECTED", "action": "APPROVE"}


async def test_who_has_no_name_cannot_decide(treasury: Treasury) -> None:
    treasury.limit(approval={"*": 0})
    await treasury.settle(20_000)
    held = await treasury.held(6_000)
    act_as(auth.ANONYMOUS)

    with pytest.raises(SamePerson):
        await treasury.approve(held.withdrawal_id)
    with pytest.raises(SamePerson):
        await treasury.reject(held.withdrawal_id)


async def test_a_decision_waits_for_the_hold(treasury: Treasury) -> None:
    treasury.limit(approval={"*": 0})
    await treasury.settle(20_000)
    made = await treasury.create(6_000)
    act_as("boss")

    deciding = asyncio.create_task(treasury.approve(made.withdrawal_id))
    await asyncio.sleep(0)
    await treasury.hold(made)

    assert (await deciding).state == pb.WITHDRAWAL_STATE_APPROVED


async def test_a_decision_that_waited_in_vain_names_the_state(treasury: Treasury) -> None:
    treasury.limit(approval={"*": 0})
    await treasury.settle(20_000)
    made = await treasury.create(6_000)
    act_as("boss").deadline = 0.0

    with pytest.raises(IllegalTransition) as refused:
        await treasury.approve(made.withdrawal_id)
    with pytest.raises(WithdrawalNotFound):
        await treasury.approve("wdr_" + "f" * 32)

    assert refused.value.metadata == {"state": "CREATED", "action": "APPROVE"}


async def test_nobody_can_approve_what_must_not_be_paid_any_more(treasury: Treasury) -> None:
    treasury.limit(approval={"*": 0})
    await treasury.settle(20_000)
    held = await treasury.held(6_000)
    act_as("boss")
    disabled = pb.DisableBankAccountRequest(
        request_id=str(uuid.uuid4()), bank_account_id=treasury.bank_account_id, reason="closed by its owner"
    )

    await treasury.know_merchant(status=MerchantStatus.SUSPENDED, aggregate_version=3)
    with pytest.raises(MerchantSuspended):
        await treasury.approve(held.withdrawal_id)
    await treasury.know_merchant(aggregate_version=4)
    await treasury.call.DisableBankAccount(disabled, ANY)
    with pytest.raises(BankAccountNotVerified) as refused:
        await treasury.approve(held.withdrawal_id)
    rejected = await treasury.reject(held.withdrawal_id)

    assert refused.value.metadata == {"state": "DISABLED"}
    assert rejected.state == pb.WITHDRAWAL_STATE_REJECTED


async def test_the_same_request_again_creates_and_decides_nothing(treasury: Treasury) -> None:
    treasury.limit(approval={"*": 0})
    await treasury.settle(20_000)
    request = treasury.request(6_000)

    first = (await treasury.call.CreateWithdrawal(request, ANY)).withdrawal
    again = (await treasury.call.CreateWithdrawal(request, ANY)).withdrawal
    with pytest.raises(RequestIdReused):
        await treasury.create(6_001, request_id=request.request_id)
    await treasury.hold(first)
    act_as("boss")
    decision = str(uuid.uuid4())
    approved = [await treasury.approve(first.withdrawal_id, request_id=decision) for _ in range(2)]

    assert first == again
    assert approved[0] == approved[1]
    assert await treasury.count("withdrawal") == await treasury.count("attempt") == 1
    with pytest.raises(IllegalTransition) as refused:
        await treasury.approve(first.withdrawal_id)
    assert refused.value.metadata == {"state": "APPROVED", "action": "APPROVE"}


async def test_fifty_withdrawals_at_once_never_exceed_the_balance(treasury: Treasury) -> None:
    await treasury.settle(10_000)

    results = await asyncio.gather(*(treasury.create(300) for _ in range(50)), return_exceptions=True)

    made = [each for each in results if isinstance(each, pb.Withdrawal)]
    refused = [each for each in results if isinstance(each, WithdrawalExceedsWithdrawable)]
    assert (len(made), len(refused)) == (33, 17)
    assert await treasury.withdrawable() == 100
    assert (await treasury.balance()).withdrawn_minor == "9900"


async def test_fifty_transactions_at_once_withdraw_no_more_than_there_is(treasury: Treasury) -> None:
    await treasury.settle(10_000)
    item = messages.from_create_withdrawal(
        treasury.request(300), treasury.runtime.settings, requester="shop", cause=current_call().cause
    )

    # Each in a transaction of its own, without the runtime's grouping.
    results = await asyncio.gather(
        *(treasury.runtime.transaction(lambda tx: commands.create_withdrawals(tx, [item])) for _ in range(50))
    )

    assert sum(isinstance(result[0], WithdrawalExceedsWithdrawable) for result in results) == 17
    assert await treasury.withdrawable() == 100


async def test_the_daily_limit_is_of_any_24_hours_and_no_zone_begins_another_day(treasury: Treasury) -> None:
    treasury.limit(daily={"*": 5_000})
    await treasury.know_merchant(time_zone="America/New_York", aggregate_version=3)
    await treasury.settle(100_000)
    treasury.stand_at(datetime(2026, 3, 8, 4, 59, 59, tzinfo=UTC))
    await treasury.create(3_000)
    treasury.pass_time(3_600)
    await treasury.create(2_000)

    # Another day has begun in New York, and now, by a change of zone, at the end of the world.
    await treasury.know_merchant(time_zone="Pacific/Kiritimati", aggregate_version=4)
    with pytest.raises(WithdrawalLimitExceeded) as used_up:
        await treasury.create(1)
    treasury.stand_at(datetime(2026, 3, 9, 4, 59, 58, tzinfo=UTC))
    with pytest.raises(WithdrawalLimitExceeded):
        await treasury.create(1)
    treasury.pass_time(1)
    with pytest.raises(WithdrawalLimitExceeded) as left:
        await treasury.create(3_001)
    await treasury.create(3_000)

    assert used_up.value.metadata == {"left_minor": "0", "currency_code": "USD"}
    assert left.value.metadata == {"left_minor": "3000", "currency_code": "USD"}
    balance = await treasury.balance()
    assert (balance.daily_limit_minor, balance.daily_left_minor, balance.withdrawn_minor) == (5_000, 0, "8000")


async def test_the_approval_limit_cannot_be_walked_round_in_parts(treasury: Treasury) -> None:
    treasury.limit(approval={"*": 1_000_000})
    await treasury.settle(10_000_000)

    made = [await treasury.create(1_000_000) for _ in range(5)]
    treasury.pass_time(24 * 3_600)
    next_day = await treasury.create(1_000_000)

    assert [withdrawal.approval_required for withdrawal in made] == [False, True, True, True, True]
    assert next_day.approval_required is False
    assert (await treasury.balance()).approval_left_minor == 0


async def test_what_was_called_off_counts_for_no_limit(treasury: Treasury) -> None:
    treasury.limit(approval={"*": 1_000}, daily={"*": 1_500})
    await treasury.settle(10_000)
    first = await treasury.held(1_000)
    await treasury.cancel(first.withdrawal_id)

    assert (await treasury.create(1_000)).approval_required is False
    assert (await treasury.balance()).daily_left_minor == 500


async def test_what_failed_counts_neither_for_the_day_nor_for_the_balance(treasury: Treasury) -> None:
    treasury.limit(daily={"*": 5_000})
    await treasury.settle(5_000)
    made = await treasury.create(5_000)

    await treasury.refuse(made.withdrawal_id)

    assert (await treasury.create(5_000)).state == pb.WITHDRAWAL_STATE_CREATED


async def test_one_hold_among_refusals_and_unknown_types_in_one_delivery(treasury: Treasury) -> None:
    await treasury.settle(10_000)
    first, second = await treasury.create(1_000), await treasury.create(2_000)

    outcomes = await treasury.deliver(
        handlers.on_transaction_created,
        first.withdrawal_id,
        treasury.booked(first.withdrawal_id, 1_000),
        treasury.booked("pay_1", 70, kind="PaymentSuccess", effect=1),
        treasury.booked("wdr_" + "f" * 32, 5),
        treasury.booked(second.withdrawal_id, 2_000),
    )

    assert [isinstance(outcome, Impossible) for outcome in outcomes] == [False, False, True, False]
    assert [await treasury.state(each.withdrawal_id) for each in (first, second)] == ["APPROVED", "APPROVED"]


async def test_lists_filter_by_merchant_state_and_time(treasury: Treasury) -> None:
    await treasury.settle(10_000)
    ids = []
    for amount in (1, 2, 3):
        ids.append((await treasury.create(amount)).withdrawal_id)
        treasury.pass_time(60)
    await treasury.refuse(ids[1])
    mine: dict[str, Any] = {"merchant_id": treasury.merchant_id}
    noon = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

    assert await treasury.listed(**mine) == ids[::-1]
    assert await treasury.listed(**mine, state=pb.WITHDRAWAL_STATE_FAILED) == [ids[1]]
    assert await treasury.listed(**mine, create_time_min=noon + timedelta(minutes=1)) == [ids[2], ids[1]]
    assert await treasury.listed(**mine, create_time_before=noon + timedelta(minutes=1)) == [ids[0]]
    assert await treasury.listed(merchant_id="mer_" + "e" * 32) == []
    first = await treasury.call.ListWithdrawals(pb.ListWithdrawalsRequest(**mine, page_size=2), ANY)
    rest = await treasury.listed(**mine, page_size=2, page_token=first.next_page_token)
    assert [[each.withdrawal_id for each in first.withdrawals], rest] == [[ids[2], ids[1]], [ids[0]]]


async def test_reading_what_is_not_there_is_refused(treasury: Treasury) -> None:
    with pytest.raises(WithdrawalNotFound):
        await treasury.get("wdr_" + "f" * 32)
    with pytest.raises(DomainError) as unknown:
        await treasury.withdrawable("XXQ")
    assert unknown.value.reason == "CURRENCY_UNKNOWN"


async def test_a_withdrawal_keeps_its_reference_and_metadata_and_another_cannot_have_the_reference(
    treasury: Treasury,
) -> None:
    await treasury.settle(10_000)
    made = await treasury.create(1_000, merchant_reference="week 9", metadata={"clerk": "Ada"})
    await treasury.create(1_000)
    assert (made.merchant_reference, dict(made.metadata)) == ("week 9", {"clerk": "Ada"})
    assert await treasury.get(made.withdrawal_id) == made
    mine = {"merchant_id": treasury.merchant_id}
    assert await treasury.listed(**mine, merchant_reference="week 9") == [made.withdrawal_id]
    with pytest.raises(MerchantReferenceTaken) as refused:
        await treasury.create(1_000, merchant_reference="week 9")
    assert refused.value.metadata == {"withdrawal_id": made.withdrawal_id}
    assert await treasury.withdrawable() == 8_000


async def test_withdrawals_of_all_merchants_that_wait_for_a_decision_are_listed(treasury: Treasury) -> None:
    await treasury.settle(100_000)
    treasury.limit(approval={"*": 0})
    small, large = await treasury.held(1_000), await treasury.held(9_000)
    decided = await treasury.held(2_000)
    act_as("chief")
    await treasury.reject(decided.withdrawal_id)

    async def listed(**fields: Any) -> list[str]:
        response = await treasury.call.ListWithdrawalsToDecide(pb.ListWithdrawalsToDecideRequest(**fields), ANY)
        return [each.withdrawal_id for each in response.withdrawals]

    assert await listed() == [small.withdrawal_id, large.withdrawal_id]
    assert await listed(order_by="create_time desc") == [large.withdrawal_id, small.withdrawal_id]
    assert await listed(amount_minor_min=1_001, currency_code="USD") == [large.withdrawal_id]
    assert await listed(merchant_id="mer_" + "1" * 32) == []
    assert await listed(currency_code="EUR") == []
    first = await treasury.call.ListWithdrawalsToDecide(pb.ListWithdrawalsToDecideRequest(page_size=1), ANY)
    assert await listed(page_token=first.next_page_token) == [large.withdrawal_id]
