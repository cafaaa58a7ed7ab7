"""Bank accounts: registered, verified or refused, disabled."""

import asyncio
import uuid

import pytest

from paykit.errors import CurrencyUnknown, IllegalTransition
from paykit.merchants.standing import MerchantSuspended, MerchantUnknown
from paykit.testing.runtimes import act_as
from paystream.merchant.v1.events import MerchantStatus
from paystream.withdrawal.v1 import withdrawal_pb2 as pb
from services.withdrawal.domain.bank_account import BankAccountExists, BankAccountNotFound
from tests.integration.withdrawal.conftest import ANY, TOKEN, Treasury

VERIFIED, REFUSED = pb.VERIFICATION_RESULT_VERIFIED, pb.VERIFICATION_RESULT_REFUSED


async def verify(treasury: Treasury, bank_account_id: str, result: pb.VerificationResult.ValueType) -> pb.BankAccount:
    request = pb.VerifyBankAccountRequest(request_id=str(uuid.uuid4()), bank_account_id=bank_account_id, result=result)
    return (await treasury.call.VerifyBankAccount(request, ANY)).bank_account


async def disable(treasury: Treasury, bank_account_id: str) -> pb.BankAccount:
    request = pb.DisableBankAccountRequest(
        request_id=str(uuid.uuid4()), bank_account_id=bank_account_id, reason="closed by its owner"
    )
    return (await treasury.call.DisableBankAccount(request, ANY)).bank_account


async def test_an_account_is_shown_without_its_token(treasury: Treasury) -> None:
    made = await treasury.register(token="tok_secret", last_four="77AB")

    read = await treasury.call.GetBankAccount(pb.GetBankAccountRequest(bank_account_id=made.bank_account_id), ANY)

    assert read.bank_account == made
    assert (made.state, made.last_four, made.currency_code) == (pb.BANK_ACCOUNT_STATE_UNVERIFIED, "77AB", "USD")
    assert "tok_secret" not in str(made)


async def test_a_check_ends_once_and_may_be_told_again(treasury: Treasury) -> None:
    good, bad = await treasury.register(token="tok_a"), await treasury.register(token="tok_b")
    treasury.pass_time(60)

    verified = [await verify(treasury, good.bank_account_id, VERIFIED) for _ in range(2)]
    refused = [await verify(treasury, bad.bank_account_id, REFUSED) for _ in range(2)]
    with pytest.raises(IllegalTransition) as late:
        await verify(treasury, good.bank_account_id, REFUSED)

    assert verified[0] == verified[1]
    assert refused[0] == refused[1]
    assert (verified[0].state, refused[0].state) == (pb.BANK_ACCOUNT_STATE_VERIFIED, pb.BANK_ACCOUNT_STATE_REFUSED)
    assert verified[0].update_time.seconds - verified[0].create_time.seconds == 60
    assert late.value.metadata == {"state": "VERIFIED", "action": "REFUSE"}


async def test_a_disabled_account_stays_disabled(treasury: Treasury) -> None:
    gone = [await disable(treasury, treasury.bank_account_id) for _ in range(2)]

    with pytest.raises(IllegalTransition):
        await verify(treasury, treasury.bank_account_id, VERIFIED)
    assert gone[0] == gone[1]
    assert gone[0].state == pb.BANK_ACCOUNT_STATE_DISABLED
    assert gone[0].stated_reason.reason == "closed by its owner"


async def test_a_token_is_in_use_once_per_merchant_and_currency(treasury: Treasury) -> None:
    other = await treasury.know_merchant(merchant_id="mer_" + "d" * 32)

    with pytest.raises(BankAccountExists) as taken:
        await treasury.register()
    results = await asyncio.gather(*(treasury.register(token="tok_new") for _ in range(5)), return_exceptions=True)
    await treasury.register(currency_code="JPY")
    await treasury.register(merchant_id=other)
    await disable(treasury, treasury.bank_account_id)
    again = await treasury.register()

    assert taken.value.metadata == {"bank_account_id": treasury.bank_account_id}
    assert sum(isinstance(each, pb.BankAccount) for each in results) == 1
    assert sum(isinstance(each, BankAccountExists) for each in results) == 4
    assert again.bank_account_id != treasury.bank_account_id
    assert await treasury.count(f"bank_account WHERE token = '{TOKEN}'") == 4


async def test_merchants_may_prepare_accounts_unless_they_are_suspended(treasury: Treasury) -> None:
    await treasury.know_merchant(status=MerchantStatus.CREATED, aggregate_version=3)
    assert (await treasury.register(token="tok_early")).bank_account_id
    await treasury.know_merchant(status=MerchantStatus.SUSPENDED, aggregate_version=4)

    with pytest.raises(MerchantSuspended):
        await treasury.register(token="tok_late")
    with pytest.raises(CurrencyUnknown):
        await treasury.register(currency_code="XXQ")
    act_as("shop").deadline = 0.0
    with pytest.raises(MerchantUnknown):
        await treasury.register(merchant_id="mer_" + "f" * 32)


async def test_what_is_not_there_is_refused(treasury: Treasury) -> None:
    unknown = "bnk_" + "f" * 32

    with pytest.raises(BankAccountNotFound):
        await treasury.call.GetBankAccount(pb.GetBankAccountRequest(bank_account_id=unknown), ANY)
    with pytest.raises(BankAccountNotFound):
        await verify(treasury, unknown, VERIFIED)
    with pytest.raises(BankAccountNotFound):
        await disable(treasury, unknown)


async def test_accounts_are_listed_by_state_newest_first_in_pages(treasury: Treasury) -> None:
    ids = [treasury.bank_account_id]
    for name in ("b", "c"):
        treasury.pass_time(1)
        ids.append((await treasury.register(token=f"tok_{name}")).bank_account_id)

    async def page(**fields: object) -> pb.ListBankAccountsResponse:
        request = pb.ListBankAccountsRequest(merchant_id=treasury.merchant_id, **fields)  # type: ignore[arg-type]
        return await treasury.call.ListBankAccounts(request, ANY)

    first = await page(page_size=2)
    second = await page(page_size=2, page_token=first.next_page_token)
    verified = await page(state=pb.BANK_ACCOUNT_STATE_VERIFIED)

    assert [each.bank_account_id for each in [*first.bank_accounts, *second.bank_accounts]] == ids[::-1]
    assert second.next_page_token == ""
    assert [each.bank_account_id for each in verified.bank_accounts] == [ids[0]]
    assert [each.bank_account_id for each in (await page(order_by="create_time")).bank_accounts] == ids
    later = await page(create_time_min=first.bank_accounts[0].create_time)
    assert [each.bank_account_id for each in later.bank_accounts] == [ids[2]]
    assert len((await page(currency_code="USD")).bank_accounts) == 3
    assert (await page(currency_code="JPY")).bank_accounts == []
