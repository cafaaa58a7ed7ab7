"""The AccountingService's RPCs on a real database."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.message import Message

from paykit import paging
from paykit.errors import CurrencyUnknown, FieldInvalid, PageTokenInvalid, RequestIdReused
from paykit.process.runtime import Runtime
from paykit.serve.reply_sizes import ITEM_FRAME_BYTES_MAX, REST_BYTES_MAX
from paykit.serve.timestamps import to_timestamp
from paykit.serve.validation import validator
from paykit.testing.runtimes import act_as
from paystream.accounting.v1 import accounting_pb2 as pb
from services.accounting.domain import transaction as domain
from services.accounting.domain.journal import EntriesUnbalanced, TransactionAlreadyReversed
from services.accounting.domain.transaction import AccountNotFound, TransactionNotFound
from tests.integration.accounting.books import account, consume
from tests.line.replies import checked
from tests.line.servicers import AccountingCalls
from tests.unit.accounting.ledger import ALICE, BOB, NOON, capture, capture_id, payment_id

ANY: Any = None
_LAST = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
CAPTURE = domain.transaction_id("PaymentSuccess", capture_id(1))
SETTLEMENT, FEES = account("merchant.settlement", ALICE), account("platform.fees")


@pytest.fixture
async def call(ledger: Runtime) -> AccountingCalls:
    """The servicer of a ledger with two captures of 100 dollars, less 3.20, an hour apart, called by `ops`."""
    act_as("ops")
    await consume(ledger, capture(1), capture(2, occurred_at=NOON + timedelta(hours=1)))
    return checked(AccountingCalls(ledger))


def goodwill(amount: int = 500, **changes: Any) -> pb.CreateTransactionRequest:
    given: dict[str, Any] = {
        "request_id": str(uuid.uuid4()),
        "transaction_type": "Goodwill",
        "related_no": "ticket-1",
        "currency_code": "USD",
        "entries": [
            pb.JournalEntry(
                account_key=pb.AccountKey(account_kind="merchant.settlement", merchant_id=ALICE),
                side=pb.SIDE_DEBIT,
                amount_minor=500,
            ),
            pb.JournalEntry(account_id=FEES, side=pb.SIDE_CREDIT, amount_minor=amount),
        ],
        "reason": "A complaint",
    }
    return pb.CreateTransactionRequest(**(given | changes))


async def balance(call: AccountingCalls, account_id: str, **changes: Any) -> str:
    return (await call.GetBalance(pb.GetBalanceRequest(account_id=account_id, **changes), ANY)).balance_minor


async def test_a_journal_is_booked_with_actor_and_reason(call: AccountingCalls) -> None:
    made = (await call.CreateTransaction(goodwill(), ANY)).transaction
    assert (made.actor, made.reason, made.direction) == ("ops", "A complaint", pb.DIRECTION_CREDIT)
    assert [(entry.account_kind, entry.side, entry.effect, entry.amount_minor) for entry in made.entries] == [
        ("merchant.settlement", pb.SIDE_DEBIT, +1, 500),
        ("platform.fees", pb.SIDE_CREDIT, -1, 500),
    ]
    read = await call.GetTransaction(pb.GetTransactionRequest(transaction_id=made.transaction_id), ANY)
    assert read.transaction == made
    assert await balance(call, FEES) == "140"


async def test_a_request_id_is_carried_out_once(call: AccountingCalls) -> None:
    request = goodwill()
    first = await call.CreateTransaction(request, ANY)
    assert await call.CreateTransaction(request, ANY) == first
    with pytest.raises(RequestIdReused):
        await call.CreateTransaction(goodwill(request_id=request.request_id, reason="Another"), ANY)
    assert await balance(call, FEES) == "140"


async def test_a_refusal_names_the_field(call: AccountingCalls) -> None:
    with pytest.raises(EntriesUnbalanced) as refused:
        await call.CreateTransaction(goodwill(499), ANY)
    assert (refused.value.field, refused.value.metadata) == ("entries", {"debit_minor": "500", "credit_minor": "499"})


async def test_a_batch_gives_one_result_per_journal(call: AccountingCalls) -> None:
    requests = [
        goodwill(related_no="a"),
        goodwill(499, related_no="b"),
        goodwill(related_no=""),
        goodwill(related_no="d"),
    ]
    response = await call.BatchCreateTransactions(pb.BatchCreateTransactionsRequest(requests=requests), ANY)
    results = [result.transaction.related_no or result.error.message for result in response.results]
    assert (results[0], results[3]) == ("a", "d")
    assert results[1] == "Debits are 500, credits 499."
    assert results[2].startswith("requests[2].related_no")


async def test_an_empty_batch_is_refused(call: AccountingCalls) -> None:
    with pytest.raises(FieldInvalid):
        await call.BatchCreateTransactions(pb.BatchCreateTransactionsRequest(), ANY)


async def test_a_journal_is_reversed_once_by_different_requests(call: AccountingCalls) -> None:
    booked = (await call.CreateTransaction(goodwill(), ANY)).transaction

    def request() -> pb.ReverseTransactionRequest:
        return pb.ReverseTransactionRequest(
            request_id=str(uuid.uuid4()), transaction_id=booked.transaction_id, reason="Wrong"
        )

    made = (await call.ReverseTransaction(request(), ANY)).transaction
    assert (made.reverses_transaction_id, made.direction) == (booked.transaction_id, pb.DIRECTION_DEBIT)
    with pytest.raises(TransactionAlreadyReversed):
        await call.ReverseTransaction(request(), ANY)
    assert await balance(call, SETTLEMENT) == "19360"


async def test_transactions_are_paged_without_a_seam(call: AccountingCalls) -> None:
    first = await call.ListTransactions(pb.ListTransactionsRequest(page_size=1, merchant_id=ALICE), ANY)
    again = pb.ListTransactionsRequest(page_size=1, merchant_id=ALICE, page_token=first.next_page_token)
    second = await call.ListTransactions(again, ANY)
    assert [each.related_no for each in (*first.transactions, *second.transactions)] == [capture_id(2), capture_id(1)]
    assert second.next_page_token == ""
    with pytest.raises(PageTokenInvalid):
        await call.ListTransactions(
            pb.ListTransactionsRequest(root_reference=payment_id(2), page_token=first.next_page_token), ANY
        )


async def test_operators_list_transactions_of_all_merchants_by_type_and_amount(call: AccountingCalls) -> None:
    everything = (await call.ListAllTransactions(pb.ListAllTransactionsRequest(), ANY)).transactions
    assert [each.related_no for each in everything] == [capture_id(2), capture_id(1)]
    none = pb.ListAllTransactionsRequest(transaction_type="RefundSuccess")
    assert (await call.ListAllTransactions(none, ANY)).transactions == []
    amount_minor = everything[1].amount_minor
    exact = pb.ListAllTransactionsRequest(amount_minor_min=amount_minor, amount_minor_max=amount_minor, page_size=1)
    first = await call.ListAllTransactions(exact, ANY)
    exact.page_token = first.next_page_token
    second = await call.ListAllTransactions(exact, ANY) if first.next_page_token else pb.ListAllTransactionsResponse()
    found = [each.related_no for each in (*first.transactions, *second.transactions)]
    assert found == [each.related_no for each in everything if each.amount_minor == amount_minor]


@pytest.mark.parametrize(
    "request_of_all", [pb.ListTransactionsRequest(transaction_type="PaymentSuccess"), pb.ListAccountsRequest()]
)
def test_what_is_of_all_merchants_is_not_for_merchants(request_of_all: Message) -> None:
    assert isinstance(validator.validate_message(request_of_all), validator.RequestInvalid)


async def test_transactions_of_a_payment_are_found(call: AccountingCalls) -> None:
    found = await call.ListTransactions(pb.ListTransactionsRequest(root_reference=payment_id(2)), ANY)
    assert [each.related_no for each in found.transactions] == [capture_id(2)]


async def test_a_token_of_a_place_that_cannot_be_is_refused(call: AccountingCalls) -> None:
    scope = ("ListEntries", SETTLEMENT, datetime(1, 1, 1, tzinfo=UTC), _LAST)
    for micros, line in ((10**30, 0), (-1, 0), (0, 10**6), (0, -1)):
        token = paging.encode_page_token([micros, "txn_1", line], scope)
        with pytest.raises(PageTokenInvalid, match="malformed"):
            await call.ListEntries(pb.ListEntriesRequest(account_id=SETTLEMENT, page_token=token), ANY)


async def test_a_transaction_is_found_by_what_moved_the_money_whoever_booked_it(call: AccountingCalls) -> None:
    booked = await call.CreateTransaction(goodwill(), ANY)
    for related_no in (capture_id(2), booked.transaction.related_no):
        found = await call.ListTransactions(pb.ListTransactionsRequest(related_no=related_no), ANY)
        assert [each.related_no for each in found.transactions] == [related_no]


async def test_accounts_are_listed_and_filtered(call: AccountingCalls) -> None:
    everything = await call.ListAllAccounts(pb.ListAllAccountsRequest(), ANY)
    assert sorted(each.account_kind for each in everything.accounts) == [
        "merchant.settlement",
        "platform.fees",
        "platform.income",
    ]
    mine = await call.ListAccounts(pb.ListAccountsRequest(merchant_id=ALICE, currency_code="USD"), ANY)
    assert [(each.account_id, each.normal_side) for each in mine.accounts] == [(SETTLEMENT, pb.SIDE_DEBIT)]
    read = await call.GetAccount(pb.GetAccountRequest(account_id=SETTLEMENT), ANY)
    assert read.account == mine.accounts[0]
    assert (await call.ListAllAccounts(pb.ListAllAccountsRequest(currency_code="JPY"), ANY)).accounts == []
    fees = pb.ListAllAccountsRequest(account_kind="platform.fees")
    assert [each.account_id for each in (await call.ListAllAccounts(fees, ANY)).accounts] == [FEES]


async def test_accounts_are_paged_without_a_seam(call: AccountingCalls) -> None:
    token, ids = "", []
    for _ in range(3):
        page = await call.ListAllAccounts(pb.ListAllAccountsRequest(page_size=1, page_token=token), ANY)
        ids += [each.account_id for each in page.accounts]
        token = page.next_page_token
    assert token == ""
    assert ids == sorted({SETTLEMENT, FEES, account("platform.income")})


async def test_a_balance_is_given_now_and_as_of_a_time(call: AccountingCalls) -> None:
    assert await balance(call, SETTLEMENT) == "19360"
    assert await balance(call, SETTLEMENT, as_of_time=to_timestamp(NOON)) == "9680"
    assert await balance(call, SETTLEMENT, as_of_time=to_timestamp(NOON - timedelta(seconds=1))) == "0"


async def test_the_balances_of_a_merchant_are_given_all_at_once(call: AccountingCalls, ledger: Runtime) -> None:
    await consume(ledger, capture(3, currency_code="JPY"), capture(4, merchant_id=BOB))

    async def balances(**fields: Any) -> list[tuple[str, str, str]]:
        answer = await call.GetMerchantBalances(pb.GetMerchantBalancesRequest(**fields), ANY)
        assert {each.account.merchant_id for each in answer.balances} <= {fields["merchant_id"]}
        return [(e.account.account_kind, e.account.currency_code, e.balance_minor) for e in answer.balances]

    found = await balances(merchant_id=ALICE)
    assert found == sorted(found)
    of_settlement = [each for each in found if each[0] == "merchant.settlement"]
    # Two captures of 100.00 less 3.20, and one of 10,000 yen less 320.
    assert of_settlement == [("merchant.settlement", "JPY", "9680"), ("merchant.settlement", "USD", "19360")]
    assert await balances(merchant_id=ALICE, currency_code="JPY") == [each for each in found if each[1] == "JPY"]
    assert await balances(merchant_id="mer_" + "9" * 32) == []


async def test_a_statement_is_paged_without_a_seam(call: AccountingCalls) -> None:
    token = ""
    seen = []
    for _ in range(4):
        page = await call.ListEntries(pb.ListEntriesRequest(account_id=SETTLEMENT, page_size=1, page_token=token), ANY)
        assert (page.opening_balance_minor, page.closing_balance_minor) == ("0", "19360")
        seen += [(line.effect * line.amount_minor, line.running_balance_minor) for line in page.lines]
        token = page.next_page_token
    assert token == ""
    assert seen == [(10_000, "10000"), (-320, "9680"), (10_000, "19680"), (-320, "19360")]


async def test_a_statement_comes_in_pages_that_fit_into_a_reply_whatever_is_asked(
    call: AccountingCalls, ledger: Runtime
) -> None:
    request = pb.ListEntriesRequest(account_id=SETTLEMENT, page_size=1_000)
    whole = list((await call.ListEntries(request, ANY)).lines)
    bytes_max = REST_BYTES_MAX + 3 * max(line.ByteSize() + ITEM_FRAME_BYTES_MAX for line in whole)
    ledger.settings = ledger.settings.model_copy(update={"grpc_reply_bytes_max": bytes_max})
    first = await call.ListEntries(request, ANY)
    request.page_token = first.next_page_token
    second = await call.ListEntries(request, ANY)
    assert (len(first.lines), [*first.lines, *second.lines], second.next_page_token) == (3, whole, "")


async def test_a_statement_that_ends_before_it_starts_is_refused(call: AccountingCalls) -> None:
    request = pb.ListEntriesRequest(
        account_id=SETTLEMENT,
        effective_time_min=to_timestamp(NOON),
        effective_time_before=to_timestamp(NOON - timedelta(seconds=1)),
    )
    with pytest.raises(FieldInvalid) as refused:
        await call.ListEntries(request, ANY)
    assert refused.value.field == "effective_time_before"


async def test_the_trial_balance_balances(call: AccountingCalls) -> None:
    (dollars,) = (await call.GetTrialBalance(pb.GetTrialBalanceRequest(), ANY)).trial_balances
    assert (dollars.currency_code, dollars.debit_total_minor, dollars.credit_total_minor) == ("USD", "20000", "20000")
    assert [(line.account_kind, line.debit_minor, line.credit_minor) for line in dollars.lines] == [
        ("merchant.settlement", "19360", "0"),
        ("platform.fees", "640", "0"),
        ("platform.income", "0", "20000"),
    ]
    with pytest.raises(CurrencyUnknown):
        await call.GetTrialBalance(pb.GetTrialBalanceRequest(currency_code="QQQ"), ANY)


async def test_what_does_not_exist_is_not_found(call: AccountingCalls) -> None:
    with pytest.raises(TransactionNotFound):
        await call.GetTransaction(pb.GetTransactionRequest(transaction_id="txn_" + "0" * 32), ANY)
    unknown = "acc_" + "0" * 32
    for reading in (
        call.GetAccount(pb.GetAccountRequest(account_id=unknown), ANY),
        call.GetBalance(pb.GetBalanceRequest(account_id=unknown), ANY),
        call.ListEntries(pb.ListEntriesRequest(account_id=unknown), ANY),
    ):
        with pytest.raises(AccountNotFound):
            await reading
