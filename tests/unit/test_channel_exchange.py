"""One exchange with an adapter, also with one that breaks its contract: then nothing is known."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from paykit.channels import exchange
from paykit.channels.attempts import Evidence, EvidenceOutcome, Source
from paykit.channels.channel import Channel
from paykit.channels.requests import (
    AnswerOutcome,
    ChannelRequest,
    DisputeAnswer,
    Inquiry,
    PayoutRequest,
    RefundRequest,
    RequestFacts,
    response,
)

Answer = Callable[[Sequence[ChannelRequest]], Awaitable[Sequence[Evidence]]]


def facts(attempt_id: str) -> RequestFacts:
    return {
        "attempt_id": attempt_id,
        "merchant_id": "mer_1",
        "amount_minor": 5,
        "currency_code": "USD",
        "correlation_id": "cor_1",
        "related_no": "",
        "callback_address": "",
    }


PAYOUTS = [PayoutRequest(**facts(attempt_id), destination_token="ba_1") for attempt_id in ("att_1", "att_3")]
REFUND = RefundRequest(**facts("att_2"), original_reference="ch_1")
REQUESTS = [PAYOUTS[0], REFUND, PAYOUTS[1]]


async def paid(requests: Sequence[ChannelRequest]) -> list[Evidence]:
    return [response(request, EvidenceOutcome.SUCCEEDED, reference="ch_2") for request in requests]


async def raises(_requests: object) -> list[Evidence]:
    raise RuntimeError("a defect")


async def too_few(requests: Sequence[ChannelRequest]) -> list[Evidence]:
    return (await paid(requests))[1:]


async def in_disorder(requests: Sequence[ChannelRequest]) -> list[Evidence]:
    return (await paid(requests))[::-1]


async def hangs(_requests: object) -> list[Evidence]:
    await asyncio.sleep(60)
    return []


class Scripted(Channel):
    """A channel that pays out as it is told, refunds as it should, and inquires by hanging."""

    def __init__(self, pay: Answer) -> None:
        self.pay = pay

    async def pay_out(self, requests: Sequence[PayoutRequest]) -> Sequence[Evidence]:
        return await self.pay(requests)

    async def refund(self, requests: Sequence[RefundRequest]) -> Sequence[Evidence]:
        return await paid(requests)

    async def inquire(self, inquiries: Sequence[Inquiry]) -> Sequence[Evidence]:
        return await hangs(inquiries)

    async def answer_dispute(self, _answer: DisputeAnswer) -> AnswerOutcome:
        raise RuntimeError("a defect")


async def test_each_operation_takes_its_own_and_evidence_stands_in_order() -> None:
    evidences = await exchange.send(Scripted(paid), REQUESTS)
    assert evidences == await paid(REQUESTS)


@pytest.mark.parametrize("pay", [raises, too_few, in_disorder])
async def test_an_adapter_that_breaks_its_contract_leaves_outcomes_open_and_its_neighbour_alone(pay: Answer) -> None:
    evidences = await exchange.send(Scripted(pay), REQUESTS)

    assert [(e.attempt_id, e.outcome, e.source) for e in evidences] == [
        ("att_1", EvidenceOutcome.NO_ANSWER, Source.RESPONSE),
        ("att_2", EvidenceOutcome.SUCCEEDED, Source.RESPONSE),
        ("att_3", EvidenceOutcome.NO_ANSWER, Source.RESPONSE),
    ]


async def test_an_adapter_that_does_not_come_back_is_given_up() -> None:
    inquiry = Inquiry(request=REFUND, channel_reference=None, age_s=1.0)

    [evidence] = await exchange.inquire(Scripted(paid), [inquiry])

    assert (evidence.outcome, evidence.source) == (EvidenceOutcome.NO_ANSWER, Source.INQUIRY)


async def test_an_answer_to_a_dispute_that_fails_is_told_again() -> None:
    answer = DisputeAnswer(dispute_reference="chd_1", contested=False, evidence="", correlation_id="cor_1")
    assert await exchange.answer_dispute(Scripted(paid), answer) is AnswerOutcome.NO_ANSWER


def test_an_adapter_that_cannot_be_inquired_at_cannot_be_made() -> None:
    class Mute(Channel):
        pass

    with pytest.raises(TypeError):
        Mute()  # type: ignore[abstract]
