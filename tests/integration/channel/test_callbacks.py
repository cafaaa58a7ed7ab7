"""Late results are told to whoever the call names, twice where that is their fate, until they are heard."""

import grpc

from paystream.payment.v1 import payment_pb2
from paystream.withdrawal.v1 import withdrawal_pb2
from services.channel.jobs import callbacks
from tests.integration.channel.conftest import House, all_of
from tests.integration.channel.listening import Listener


async def pass_time(house: House) -> None:
    """Let every decision fall and every callback of it come due, and do what is due meanwhile."""
    for _ in range(2):
        await house.pass_time(seconds=2)
        await all_of(*(callbacks.deliver_callbacks(house.runtime) for _ in range(3)))


async def test_a_late_approval_is_told_once_with_everything_the_payment_needs(
    house: House, listening: tuple[Listener, str]
) -> None:
    listener, address = listening
    made = await house.authorize(9_005, callback_address=address)
    await callbacks.deliver_callbacks(house.runtime)
    assert listener.told == []
    await pass_time(house)
    assert listener.told == [
        payment_pb2.ReportChannelResultRequest(
            attempt_id=made.attempt_id,
            channel_reference=made.channel_reference,
            outcome=payment_pb2.CHANNEL_OUTCOME_APPROVED,
            amount=made.amount,
        )
    ]
    assert listener.journeys == {"cor_channel"}
    assert await house.count("callback") == 0


async def test_a_late_decline_names_its_code(house: House, listening: tuple[Listener, str]) -> None:
    listener, address = listening
    await house.authorize(9_008, callback_address=address)
    await pass_time(house)
    (told,) = listener.told
    assert (told.outcome, told.decline_code) == (payment_pb2.CHANNEL_OUTCOME_DECLINED, "do_not_honor")


async def test_a_contradiction_is_told_as_an_approval(house: House, listening: tuple[Listener, str]) -> None:
    listener, address = listening
    await house.authorize(9_009, callback_address=address)
    await pass_time(house)
    assert [told.outcome for told in listener.told] == [payment_pb2.CHANNEL_OUTCOME_APPROVED]


async def test_duplicate_callbacks_say_the_same_twice(house: House, listening: tuple[Listener, str]) -> None:
    listener, address = listening
    await house.behave(callback_address=address, callback_delay_ms=500)
    await house.authorize(9_007)
    await pass_time(house)
    assert len(listener.told) == 2
    assert listener.told[0] == listener.told[1]


async def test_ordinary_results_are_not_called_back(house: House, listening: tuple[Listener, str]) -> None:
    listener, address = listening
    await house.authorize(100, callback_address=address)
    await pass_time(house)
    assert listener.told == []


async def test_without_an_address_nothing_is_remembered(house: House) -> None:
    await house.authorize(9_007)
    assert await house.count("callback") == 0


async def test_a_callback_that_is_not_heard_waits_and_is_told_again(
    house: House, listening: tuple[Listener, str]
) -> None:
    listener, address = listening
    listener.refusals = 1
    await house.authorize(9_005, callback_address=address)
    await pass_time(house)
    assert listener.told == []
    waiting = await house.runtime.read(lambda tx: tx.fetch("SELECT tries, retry_time > now() AS waits FROM callback"))
    assert [(row["tries"], row["waits"]) for row in waiting] == [(1, True)]
    await house.runtime.transaction(lambda tx: tx.run("UPDATE callback SET retry_time = now()"))
    await callbacks.deliver_callbacks(house.runtime)
    assert len(listener.told) == 1
    assert await house.count("callback") == 0


async def test_a_callback_that_is_refused_for_good_is_given_up(house: House, listening: tuple[Listener, str]) -> None:
    listener, address = listening
    listener.refusals, listener.refusal = 1, grpc.StatusCode.NOT_FOUND
    await house.authorize(9_005, callback_address=address)
    await pass_time(house)
    assert await house.count("callback") == 0


async def test_an_address_where_nobody_listens_is_given_up_after_the_last_try(house: House) -> None:
    await house.authorize(9_005, callback_address="127.0.0.1:1")
    await pass_time(house)
    assert await house.count("callback") == 1
    await try_as_if(house, callbacks.TRIES_MAX)
    assert await house.count("callback") == 0


async def try_as_if(house: House, tries: int) -> None:
    """Deliver as if every callback had been told so often, this time included."""
    sql = "UPDATE callback SET retry_time = now(), tries = $1"
    await house.runtime.transaction(lambda tx: tx.run(sql, tries - 1))
    await callbacks.deliver_callbacks(house.runtime)


async def test_disputes_and_returns_are_told_for_days_as_nobody_would_ask_about_them(house: House) -> None:
    paid = await house.authorize(1_000, callback_address="127.0.0.1:1")
    await house.dispute(paid.attempt_id)
    await house.pay(9_010, callback_address="127.0.0.1:1")
    await house.pass_time(seconds=2)
    await house.pass_time(seconds=2)
    assert await house.count("callback") == 2
    await try_as_if(house, callbacks.TRIES_UNASKED_MAX - 1)
    assert await house.count("callback") == 2
    await try_as_if(house, callbacks.TRIES_UNASKED_MAX)
    assert await house.count("callback") == 0


async def test_a_dispute_is_told_when_it_opens_and_when_it_ends_with_everything_each_time(
    house: House, listening: tuple[Listener, str]
) -> None:
    listener, address = listening
    paid = await house.authorize(9_011, callback_address=address)
    await pass_time(house)
    [reference] = await house.references()
    await house.respond(reference, contested=True)
    await pass_time(house)

    dispute = await house.get_dispute(reference)
    opened, won = listener.disputes
    assert opened == payment_pb2.ReportDisputeRequest(
        attempt_id=paid.attempt_id,
        dispute_reference=reference,
        outcome=payment_pb2.DISPUTE_OUTCOME_OPENED,
        amount=paid.amount,
        reason=payment_pb2.DISPUTE_REASON_FRAUD,
        respond_by_time=dispute.respond_by_time,
        stage=payment_pb2.DISPUTE_STAGE_CHARGEBACK,
        occur_time=dispute.create_time,
    )
    opened.outcome = payment_pb2.DISPUTE_OUTCOME_WON
    opened.occur_time.CopyFrom(dispute.update_time)
    assert (won, listener.journeys) == (opened, {"cor_channel"})


async def test_a_dispute_that_is_accepted_is_told_as_lost(house: House, listening: tuple[Listener, str]) -> None:
    listener, address = listening
    paid = await house.authorize(1_000, callback_address=address)
    dispute = await house.dispute(paid.attempt_id, 400)
    await house.respond(dispute.dispute_reference, contested=False)
    await pass_time(house)
    told = sorted((each.outcome, each.amount.amount_minor) for each in listener.disputes)
    assert told == [(payment_pb2.DISPUTE_OUTCOME_OPENED, 400), (payment_pb2.DISPUTE_OUTCOME_LOST, 400)]


async def test_a_dispute_that_is_refused_by_the_present_state_is_told_again(
    house: House, listening: tuple[Listener, str]
) -> None:
    listener, address = listening
    paid = await house.authorize(1_000, callback_address=address)
    await house.dispute(paid.attempt_id)
    listener.refusals, listener.refusal = 1, grpc.StatusCode.FAILED_PRECONDITION
    await pass_time(house)
    assert (listener.disputes, await house.count("callback")) == ([], 1)
    await house.runtime.transaction(lambda tx: tx.run("UPDATE callback SET retry_time = now()"))
    listener.refusals, listener.refusal = 1, grpc.StatusCode.NOT_FOUND
    await callbacks.deliver_callbacks(house.runtime)
    assert (listener.disputes, await house.count("callback")) == ([], 0)


async def test_a_payout_that_comes_back_and_one_that_is_late_are_told_to_the_withdrawal_service(
    house: House, listening: tuple[Listener, str]
) -> None:
    listener, address = listening
    returned, late, refused = [await house.pay(each, callback_address=address) for each in (9_010, 9_005, 9_008)]
    await pass_time(house)
    told = {each.attempt_id: each for each in listener.payouts}
    assert told == {
        made.attempt_id: withdrawal_pb2.ReportBankResultRequest(
            attempt_id=made.attempt_id,
            channel_reference=made.channel_reference,
            outcome=outcome,
            code=code,
            amount=made.amount,
        )
        for made, outcome, code in (
            (returned, withdrawal_pb2.BANK_OUTCOME_RETURNED, "account_closed"),
            (late, withdrawal_pb2.BANK_OUTCOME_COMPLETED, ""),
            (refused, withdrawal_pb2.BANK_OUTCOME_FAILED, "do_not_honor"),
        )
    }
    assert (len(listener.payouts), listener.told) == (3, [])
