"""Calls to withdrawal that create something, sent again, also when their replies are long forgotten."""

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence

import pytest
from hypothesis import given

from paystream.withdrawal.v1 import withdrawal_pb2 as pb
from tests.integration.repeated_calls import FEW_EXAMPLES, STEPS, Repeated, Step, assert_repeats_create_nothing
from tests.integration.withdrawal.conftest import Treasury


async def withdrawals(treasury: Treasury) -> Repeated:
    await treasury.settle(10_000)

    def request(request_id: str, body: int) -> pb.CreateWithdrawalRequest:
        return treasury.request(100 + body, request_id=request_id)

    call = treasury.call.CreateWithdrawal
    return Repeated(call=call, request=request, created=lambda reply: reply.withdrawal.withdrawal_id)


async def bank_accounts(treasury: Treasury) -> Repeated:
    example = uuid.uuid4().hex

    def request(request_id: str, body: int) -> pb.CreateBankAccountRequest:
        return pb.CreateBankAccountRequest(
            request_id=request_id,
            merchant_id=treasury.merchant_id,
            currency_code="USD",
            token=f"tok_{example}_{body}",
            last_four="4321",
        )

    call = treasury.call.CreateBankAccount
    return Repeated(call=call, request=request, created=lambda reply: reply.bank_account.bank_account_id)


REPEATED: Mapping[str, Callable[[Treasury], Awaitable[Repeated]]] = {
    "CreateWithdrawal": withdrawals,
    "CreateBankAccount": bank_accounts,
}


@FEW_EXAMPLES
@pytest.mark.parametrize("method", REPEATED)
@given(steps=STEPS)
async def test_a_call_sent_again_creates_nothing_however_late(
    treasury: Treasury, method: str, steps: Sequence[Step]
) -> None:
    await assert_repeats_create_nothing(treasury.runtime, await REPEATED[method](treasury), steps)


async def test_a_withdrawal_asked_for_again_a_year_later_takes_nothing_more(treasury: Treasury) -> None:
    await treasury.settle(10_000)
    request = treasury.request(6_000)
    accepted = (await treasury.call.CreateWithdrawal(request, None)).withdrawal
    await treasury.hold(accepted)
    await treasury.submit()
    await treasury.runtime.transaction(lambda tx: tx.run("DELETE FROM idempotency_claim"))
    again = (await treasury.call.CreateWithdrawal(request, None)).withdrawal
    assert again == await treasury.get(accepted.withdrawal_id)
    assert again.state == pb.WITHDRAWAL_STATE_COMPLETED
    assert await treasury.withdrawable() == 4_000
