"""The tests that every adapter of a channel passes; `docs/channels.md` shows them run on one.

Subclass `ChannelContract`, name the adapter, and give it a fixture `rig`: the adapter's channel, connected to a sandbox
or a stand-in of the channel that does what a test tells it. Needs pytest-asyncio with `asyncio_mode = auto`.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Any, ClassVar, Protocol

from paykit.channels import exchange
from paykit.channels.attempts import Evidence, EvidenceOutcome, Source
from paykit.channels.channel import SEND_TIMEOUT_S, UNSUPPORTED, Channel
from paykit.channels.registry import Adapter
from paykit.channels.requests import (
    AnswerOutcome,
    AuthorizationRequest,
    CaptureRequest,
    ChannelOperation,
    ChannelRequest,
    DisputeAnswer,
    Inquiry,
    PayoutRequest,
    RefundRequest,
    RequestFacts,
    VoidRequest,
)
from paykit.ids import new_id

SLOW_S = 1.0
"""How late a channel answers that is slow, and still in time."""
MARGIN_S = 1.0
"""How much longer than its timeout an adapter may take."""

_SENT = tuple(operation for operation in ChannelOperation if operation is not ChannelOperation.ANSWER_DISPUTE)
_FIRST = frozenset({ChannelOperation.AUTHORIZE, ChannelOperation.PAY_OUT})


class ChannelFault(StrEnum):
    """What goes wrong between an adapter and its channel.

    REFUSED: the request is not carried out, and what comes back proves nothing (UNAVAILABLE, 503). LOST: carried out,
    then the connection breaks. MALFORMED: carried out, and answered with what cannot be read. SLOW: carried out, and
    answered after SLOW_S. SILENT: nothing comes back.
    """

    REFUSED = "REFUSED"
    LOST = "LOST"
    MALFORMED = "MALFORMED"
    SLOW = "SLOW"
    SILENT = "SILENT"


_PROVE_NOTHING = (ChannelFault.REFUSED, ChannelFault.LOST, ChannelFault.MALFORMED)


class ChannelRig(Protocol):
    """A channel under test, with a hand on what stands behind its adapter.

    Attributes:
        channel: The adapter's.
        fault: What goes wrong from now on; None for nothing.
        sent: How often each attempt has reached the other end, inquiries not counted.
    """

    channel: Channel
    fault: ChannelFault | None
    sent: Counter[str]

    async def open_dispute(self, attempt_id: str) -> str:
        """Have a payer dispute what an attempt captured; the channel's reference of the dispute."""
        ...


class ChannelContract:
    """What an adapter promises.

    Attributes:
        adapter: The adapter under test.
        declined_minor: An amount that the channel declines to authorize, or to pay out.
        partial: An amount that the channel authorizes in part, and that part; None where it never does.
        action_minor: An amount that the channel authorizes only once the payer has acted; None where it never asks.
        batch_size: Requests in the largest batch; paystream sends up to 500.
    """

    adapter: ClassVar[Adapter[Any]]
    declined_minor: ClassVar[int]
    partial: ClassVar[tuple[int, int] | None] = None
    action_minor: ClassVar[int | None] = None
    currency_code: ClassVar[str] = "USD"
    method_token: ClassVar[str] = "tok_contract"  # noqa: S105 - names a card of a sandbox
    destination_token: ClassVar[str] = "ba_contract"  # noqa: S105
    batch_size: ClassVar[int] = 500

    async def test_what_is_carried_out_succeeds_with_a_reference(self, rig: ChannelRig) -> None:
        """An adapter can do what it declares."""
        for operation in self._declared():
            [evidence] = await send(rig, await self._requests(rig, operation))
            assert (evidence.outcome, evidence.source) == (EvidenceOutcome.SUCCEEDED, Source.RESPONSE), operation
            assert evidence.channel_reference, operation
            assert evidence.failure_code is None, operation
            if operation is not ChannelOperation.VOID:
                assert (evidence.amount_minor, evidence.currency_code) in {(None, None), (1_000, self.currency_code)}

    async def test_the_channels_own_amount_is_told(self, rig: ChannelRig) -> None:
        """What is authorized in part is told with that part, by the answer and by an inquiry."""
        if self.partial is None:
            return
        asked_minor, approved_minor = self.partial
        request = replace(self._authorization(0, capture=True), amount_minor=asked_minor)
        for evidence in (*await send(rig, [request]), *await inquire(rig, [request])):
            assert evidence.outcome is EvidenceOutcome.SUCCEEDED
            assert (evidence.amount_minor, evidence.currency_code) == (approved_minor, self.currency_code)

    async def test_what_waits_for_its_payer_tells_what_that_has_to_do(self, rig: ChannelRig) -> None:
        """It is no end: the answer and each inquiry tell the same, with what can be done and a reference."""
        if self.action_minor is None:
            return
        request = replace(self._authorization(0, capture=True), amount_minor=self.action_minor)
        for evidence in (*await send(rig, [request]), *await inquire(rig, [request]), *await inquire(rig, [request])):
            assert evidence.outcome is EvidenceOutcome.ACTION_REQUIRED
            assert evidence.action is not None
            assert evidence.action.is_usable
            assert evidence.channel_reference
        assert rig.sent[request.attempt_id] == 1

    async def test_what_waits_for_its_payer_is_called_off_by_a_void_or_goes_on(self, rig: ChannelRig) -> None:
        """A void that succeeds proves that nothing was taken; after one that failed it is as it was."""
        if self.action_minor is None:
            return
        request = replace(self._authorization(0, capture=True), amount_minor=self.action_minor)
        [waiting] = await send(rig, [request])
        void = VoidRequest(**self._facts(0), original_reference=waiting.channel_reference or "")
        [called_off] = await send(rig, [void])
        [after] = await inquire(rig, [request])
        assert (called_off.outcome, after.outcome) in {
            (EvidenceOutcome.SUCCEEDED, EvidenceOutcome.FAILED),
            (EvidenceOutcome.FAILED, EvidenceOutcome.ACTION_REQUIRED),
        }

    async def test_evidence_stands_in_the_order_of_the_requests(self, rig: ChannelRig) -> None:
        """One that is declined leaves its neighbours alone."""
        for operation in _FIRST & self.adapter.operations:
            requests = await self._requests(rig, operation, count=5)
            requests[1] = replace(requests[1], amount_minor=self.declined_minor)
            evidences = await send(rig, requests)
            succeeded, failed = EvidenceOutcome.SUCCEEDED, EvidenceOutcome.FAILED
            assert [e.outcome for e in evidences] == [succeeded, failed, *[succeeded] * 3], operation

    async def test_what_follows_an_unknown_reference_fails(self, rig: ChannelRig) -> None:
        """The channel knows it will move nothing."""
        requests = (CaptureRequest, VoidRequest, RefundRequest)
        for operation, kind in zip(_SENT[1:4], requests, strict=True):
            if operation in self.adapter.operations:
                [evidence] = await send(rig, [kind(**self._facts(0), original_reference="nobody-knows")])
                assert evidence.outcome is EvidenceOutcome.FAILED, operation

    async def test_a_full_batch_is_sent_once(self, rig: ChannelRig) -> None:
        """Each of its attempts is carried out once, and none is left out."""
        for operation in _FIRST & self.adapter.operations:
            requests = await self._requests(rig, operation, count=self.batch_size)
            evidences = await send(rig, requests)
            assert {e.outcome for e in evidences} == {EvidenceOutcome.SUCCEEDED}, operation
            assert [rig.sent[r.attempt_id] for r in requests] == [1] * self.batch_size, operation

    async def test_what_goes_wrong_on_the_way_leaves_the_outcome_open(self, rig: ChannelRig) -> None:
        """It neither failed nor succeeded, and it is not sent again."""
        for operation in self._declared():
            for fault in _PROVE_NOTHING:
                requests = await self._requests(rig, operation, count=3)
                rig.fault = fault
                evidences = await send(rig, requests)
                rig.fault = None
                assert {e.outcome for e in evidences} == {EvidenceOutcome.NO_ANSWER}, (operation, fault)
                assert {e.source for e in evidences} == {Source.RESPONSE}, (operation, fault)
                assert max(rig.sent[r.attempt_id] for r in requests) <= 1, (operation, fault)

    async def test_silence_ends_in_time(self, rig: ChannelRig) -> None:
        """All operations at once, as each takes as long as it may."""
        requests = [r for o in self._declared() for r in await self._requests(rig, o, count=3)]
        rig.fault = ChannelFault.SILENT
        since = time.monotonic()
        evidences = await send(rig, requests)
        assert time.monotonic() - since < SEND_TIMEOUT_S + MARGIN_S
        assert {e.outcome for e in evidences} == {EvidenceOutcome.NO_ANSWER}
        assert max(rig.sent[r.attempt_id] for r in requests) <= 1

    async def test_a_slow_answer_counts(self, rig: ChannelRig) -> None:
        """An adapter waits until its timeout."""
        requests = [r for o in self._declared() for r in await self._requests(rig, o)]
        rig.fault = ChannelFault.SLOW
        evidences = await send(rig, requests)
        assert {e.outcome for e in evidences} == {EvidenceOutcome.SUCCEEDED}

    async def test_an_inquiry_finds_what_was_carried_out_without_an_answer(self, rig: ChannelRig) -> None:
        """What was lost on the way back is found by asking."""
        for operation in self._declared():
            requests = await self._requests(rig, operation, count=3)
            rig.fault = ChannelFault.LOST
            await send(rig, requests)
            rig.fault = None
            evidences = await inquire(rig, requests)
            assert {(e.outcome, e.source) for e in evidences} == {(EvidenceOutcome.SUCCEEDED, Source.INQUIRY)}, (
                operation
            )
            assert all(e.channel_reference for e in evidences), operation

    async def test_what_never_arrived_is_not_found_and_may_still_arrive(self, rig: ChannelRig) -> None:
        """NOT_FOUND is final only after the channel's own time."""
        for operation in self._declared():
            requests = await self._requests(rig, operation, count=3)
            rig.fault = ChannelFault.REFUSED
            await send(rig, requests)
            rig.fault = None
            evidences = await inquire(rig, requests)
            assert {e.outcome for e in evidences} == {EvidenceOutcome.NOT_FOUND}, operation
            assert not any(e.final for e in evidences), operation

    async def test_an_inquiry_changes_nothing(self, rig: ChannelRig) -> None:
        """What was asked about before it was sent is carried out all the same, once; asking again tells the same."""
        for operation in self._declared():
            requests = await self._requests(rig, operation, count=3)
            await inquire(rig, requests)
            assert not any(rig.sent[r.attempt_id] for r in requests), operation
            sent = await send(rig, requests)
            answers = [await inquire(rig, requests) for _ in range(2)]
            assert answers[0] == answers[1], operation
            assert [e.channel_reference for e in answers[0]] == [e.channel_reference for e in sent], operation
            assert {rig.sent[r.attempt_id] for r in requests} == {1}, operation

    async def test_an_inquiry_that_goes_wrong_says_nothing(self, rig: ChannelRig) -> None:
        """Least of all that something was not found."""
        for operation in self._declared():
            requests = await self._requests(rig, operation, count=3)
            await send(rig, requests)
            for fault in _PROVE_NOTHING:
                rig.fault = fault
                evidences = await inquire(rig, requests)
                rig.fault = None
                reported = {(e.outcome, e.source) for e in evidences}
                assert reported == {(EvidenceOutcome.NO_ANSWER, Source.INQUIRY)}, (operation, fault)

    async def test_what_is_not_declared_fails_and_is_not_sent(self, rig: ChannelRig) -> None:
        """No money moves by it, and the failure says so."""
        for operation in set(_SENT) - self.adapter.operations:
            [evidence] = await send(rig, [self._request(operation, 0, "")])
            assert (evidence.outcome, evidence.failure_code) == (EvidenceOutcome.FAILED, UNSUPPORTED), operation
            assert rig.sent[evidence.attempt_id] == 0, operation

    async def test_an_answer_to_a_dispute_may_be_repeated(self, rig: ChannelRig) -> None:
        """It is taken again; an answer to no dispute is refused, and one lost on the way is neither."""
        if ChannelOperation.ANSWER_DISPUTE not in self.adapter.operations:
            assert await rig.channel.answer_dispute(contest("nobody-knows")) is AnswerOutcome.REFUSED
            return
        answer = contest(await self._dispute(rig))
        for fault in _PROVE_NOTHING[:2]:
            rig.fault = fault
            assert await rig.channel.answer_dispute(answer) is AnswerOutcome.NO_ANSWER, fault
        rig.fault = None
        assert [await rig.channel.answer_dispute(answer) for _ in range(2)] == [AnswerOutcome.TAKEN] * 2
        assert await rig.channel.answer_dispute(contest("nobody-knows")) is AnswerOutcome.REFUSED

    def _declared(self) -> list[ChannelOperation]:
        return [operation for operation in _SENT if operation in self.adapter.operations]

    async def _requests(self, rig: ChannelRig, operation: ChannelOperation, *, count: int = 1) -> list[ChannelRequest]:
        """Make requests that the channel approves, after what they follow."""
        if operation in _FIRST:
            return [self._request(operation, number, "") for number in range(count)]
        charged = operation is ChannelOperation.REFUND
        originals = [self._authorization(number, capture=charged) for number in range(count)]
        references = [e.channel_reference or "" for e in await send(rig, originals)]
        return [self._request(operation, number, reference) for number, reference in enumerate(references)]

    def _request(self, operation: ChannelOperation, number: int, reference: str) -> ChannelRequest:
        facts = self._facts(number)
        match operation:
            case ChannelOperation.CAPTURE:
                return CaptureRequest(**facts, original_reference=reference)
            case ChannelOperation.VOID:
                return VoidRequest(**facts, original_reference=reference)
            case ChannelOperation.REFUND:
                return RefundRequest(**facts, original_reference=reference)
            case ChannelOperation.PAY_OUT:
                return PayoutRequest(**facts, destination_token=self.destination_token)
            case _:
                return self._authorization(number, capture=True)

    def _authorization(self, number: int, *, capture: bool) -> AuthorizationRequest:
        return AuthorizationRequest(**self._facts(number), method_token=self.method_token, capture=capture)

    def _facts(self, number: int) -> RequestFacts:
        return {
            "attempt_id": new_id("att"),
            "merchant_id": "mer_contract",
            "amount_minor": 1_000 + number,
            "currency_code": self.currency_code,
            "correlation_id": "cor_contract",
            "related_no": f"no_{number}",
            "callback_address": "",
        }

    async def _dispute(self, rig: ChannelRig) -> str:
        charge = self._authorization(0, capture=True)
        await send(rig, [charge])
        return await rig.open_dispute(charge.attempt_id)


async def send(rig: ChannelRig, requests: Sequence[ChannelRequest]) -> list[Evidence]:
    """Send requests past what guards paystream against adapters; each is answered, in order."""
    calls = exchange.calls_of(rig.channel, requests)
    answers = await asyncio.gather(*(ask() for _, ask in calls))
    evidences = [evidence for answer in answers for evidence in answer]
    assert [e.attempt_id for e in evidences] == [attempt_id for attempt_ids, _ in calls for attempt_id in attempt_ids]
    return evidences


async def inquire(rig: ChannelRig, requests: Sequence[ChannelRequest]) -> Sequence[Evidence]:
    """Ask an adapter about requests; each is answered, in order."""
    inquiries = [Inquiry(request=request, channel_reference=None, age_s=0.0) for request in requests]
    evidences = await rig.channel.inquire(inquiries)
    assert [e.attempt_id for e in evidences] == [r.attempt_id for r in requests]
    return evidences


def contest(dispute_reference: str) -> DisputeAnswer:
    """A merchant's answer that contests a dispute."""
    return DisputeAnswer(
        dispute_reference=dispute_reference, contested=True, evidence="a receipt", correlation_id="cor_contract"
    )
