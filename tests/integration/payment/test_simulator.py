"""Payments through the channel service itself, over gRPC in both directions."""

import asyncio
import hashlib
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from paykit.clock import SystemClock
from paykit.process.runtime import Runtime
from paykit.process.service import Service
from paykit.serve import server as grpc_server
from paykit.serve.edge import EdgeOptions
from paykit.serve.server import GrpcServer, ServerOptions
from paykit.testing.runtimes import act_as
from paystream.channel.v1 import channel_pb2 as channel_pb
from paystream.channel.v1 import channel_pb2_grpc
from paystream.common.v1.money_pb2 import Money
from paystream.payment.v1 import payment_pb2 as pb
from services.channel.service import SERVICE as CHANNEL
from services.payment.jobs import disputes as dispute_jobs
from services.payment.service import SERVICE as PAYMENT
from tests.conftest import RuntimeOf
from tests.integration.payment.conftest import ANY, House, ScriptedChannel

ROUNDS_MAX = 200
PAUSE_S = 0.05


class Pair:
    """The payment service and the channel service, serving each other; their jobs run when a test says so."""

    def __init__(self, house: House, channel: Runtime, stub: Any) -> None:
        self.house = house
        self.channel = channel
        self.stub = stub

    async def settle(self, payment_id: str, *types: str) -> None:
        """Run all jobs of both until the payment's events are these."""
        jobs = [(self.house.runtime, job) for job in PAYMENT.jobs]
        jobs += [(self.channel, job) for job in CHANNEL.jobs if job.name != "close_statements"]
        for _ in range(ROUNDS_MAX):
            for runtime, job in jobs:
                await job.run(runtime)
            if await self.house.told_types(payment_id) == list(types):
                return
            await asyncio.sleep(PAUSE_S)
        assert await self.house.told_types(payment_id) == list(types)

    async def dispute(self, payment_id: str) -> pb.Dispute:
        """Give the only dispute of a payment."""
        [found] = (await self.house.call.ListDisputes(pb.ListDisputesRequest(payment_id=payment_id), ANY)).disputes
        return found

    async def create(self, amount_minor: int, **changes: Any) -> pb.Payment:
        return await self.house.create(amount=Money(amount_minor=amount_minor, currency_code="USD"), **changes)


async def serve(service: Service, runtime: Runtime, address: str) -> GrpcServer:
    edge = EdgeOptions(calls_max=100, deadline_default_s=10.0)
    options = ServerOptions(address=address, message_bytes_max=4 * 1024 * 1024, edge=edge)
    return await grpc_server.start(service.servicers(runtime), options)


@pytest.fixture
async def pair(runtime_of: RuntimeOf, tmp_path: Path) -> AsyncIterator[Pair]:
    act_as("shop")
    channel = await runtime_of(CHANNEL, clock=SystemClock())
    payment = await runtime_of(PAYMENT, clock=SystemClock())
    addresses = {"channel_address": f"unix:{tmp_path}/acquirer.sock", "grpc_address": f"unix:{tmp_path}/payment.sock"}
    payment.settings = payment.settings.model_copy(update=addresses)
    servers = [
        await serve(CHANNEL, channel, addresses["channel_address"]),
        await serve(PAYMENT, payment, addresses["grpc_address"]),
    ]
    await behave(addresses)
    house = House(payment, ScriptedChannel())  # type: ignore[abstract]  # Not served here.
    await house.know_merchant()
    async with grpc.aio.insecure_channel(addresses["channel_address"]) as opened:
        yield Pair(house, channel, channel_pb2_grpc.SimulatorServiceStub(opened))
    for server in servers:
        await server.stop(1.0)


async def behave(addresses: dict[str, str]) -> None:
    """Have the simulator call back soon, and forget soon what never arrived."""
    behaviour = channel_pb.Behaviour(
        callback_delay_ms=10, callback_address=addresses["grpc_address"], fee_basis_points=150, finality_seconds=1
    )
    async with grpc.aio.insecure_channel(addresses["channel_address"]) as opened:
        stub = channel_pb2_grpc.SimulatorServiceStub(opened)
        await stub.SetBehaviour(
            channel_pb.SetBehaviourRequest(request_id=str(uuid.uuid4()), behaviour=behaviour), timeout=10
        )


@pytest.mark.parametrize(
    ("amount_minor", "types"),
    [
        (10_000, ["PaymentSuccess"]),
        (19_001, ["PaymentFailed"]),
        (19_003, ["PaymentUnknown", "PaymentSuccess"]),
        (19_004, ["PaymentUnknown", "PaymentFailed"]),
        (19_005, ["PaymentUnknown", "PaymentSuccess"]),
        (19_007, ["PaymentSuccess"]),
        (19_008, ["PaymentUnknown", "PaymentFailed"]),
        (19_025, ["PaymentActionRequired", "PaymentSuccess"]),
        (19_026, ["PaymentActionRequired", "PaymentFailed"]),
        (19_009, ["PaymentFailed", "LateCaptureReceived", "RefundCreated", "PaymentContradicted", "RefundFailed"]),
    ],
)
async def test_every_fate_of_the_simulator_ends_as_documented(pair: Pair, amount_minor: int, types: list[str]) -> None:
    created = await pair.create(amount_minor)

    if types[-1] == "RefundFailed":
        # The amount decides the refund's fate too: declined, and done all the same.
        types = [*types, "RefundSuccess", "PaymentContradictionResolved", "PaymentContradicted"]
    await pair.settle(created.payment_id, "PaymentCreated", *types)


ACTIONS = [
    (19_021, "redirect_to_url"),
    (19_022, "three_d_secure_challenge"),
    (19_023, "display_code"),
    (19_024, "display_code"),
]


@pytest.mark.parametrize(("amount_minor", "action"), ACTIONS)
@pytest.mark.parametrize(
    ("outcome", "ending"),
    [
        (channel_pb.LATE_OUTCOME_APPROVED, ("PaymentSuccess", "")),
        (channel_pb.LATE_OUTCOME_DECLINED, ("PaymentFailed", "AUTHENTICATION_FAILED")),
    ],
)
async def test_the_simulated_payer_does_as_it_is_told(
    pair: Pair, amount_minor: int, action: str, outcome: Any, ending: tuple[str, str]
) -> None:
    event, reason = ending
    created = await pair.create(amount_minor, return_url="https://shop.example/back")
    await pair.settle(created.payment_id, "PaymentCreated", "PaymentActionRequired")
    waiting = await pair.house.get(created.payment_id)
    assert waiting.next_action.WhichOneof("action") == action

    await play(pair, waiting, outcome)
    await pair.settle(created.payment_id, "PaymentCreated", "PaymentActionRequired", event)

    after = await pair.house.get(created.payment_id)
    assert (after.failure_reason, after.HasField("next_action")) == (reason, False)


@pytest.mark.parametrize("amount_minor", [19_021, 19_024])
async def test_a_simulated_payer_who_never_acts_is_given_up(pair: Pair, amount_minor: int) -> None:
    behaviour = channel_pb.Behaviour(
        callback_delay_ms=10, fee_basis_points=150, finality_seconds=1, action_expires_seconds=1
    )
    request = channel_pb.SetBehaviourRequest(request_id=str(uuid.uuid4()), behaviour=behaviour)
    await pair.stub.SetBehaviour(request, timeout=10)
    created = await pair.create(amount_minor)

    await pair.settle(created.payment_id, "PaymentCreated", "PaymentActionRequired", "PaymentFailed")

    after = await pair.house.get(created.payment_id)
    assert (after.failure_reason, after.captured_minor) == ("ACTION_EXPIRED", 0)


@pytest.mark.parametrize("amount_minor", [19_021, 19_024])
async def test_what_waits_for_a_simulated_payer_is_cancelled_whether_its_channel_calls_it_off_or_not(
    pair: Pair, amount_minor: int
) -> None:
    created = await pair.create(amount_minor)
    await pair.settle(created.payment_id, "PaymentCreated", "PaymentActionRequired")
    await pair.house.cancel(created.payment_id)

    await pair.settle(created.payment_id, "PaymentCreated", "PaymentActionRequired", "PaymentCancelled")

    [charge, void] = await pair.house.attempts(created.payment_id)
    done = pb.ATTEMPT_STATE_SUCCEEDED if amount_minor == 19_021 else pb.ATTEMPT_STATE_FAILED
    assert (charge.state, void.state) == (pb.ATTEMPT_STATE_FAILED, done)
    # A voucher that is paid all the same is money that came late.
    await play(pair, created, channel_pb.LATE_OUTCOME_APPROVED)
    late = ["LateCaptureReceived", "RefundCreated", "PaymentContradicted", "RefundSuccess"]
    types = ["PaymentCreated", "PaymentActionRequired", "PaymentCancelled", *late, "PaymentContradictionResolved"]
    await pair.settle(created.payment_id, *types)


async def play(pair: Pair, payment: pb.Payment, outcome: Any) -> None:
    """Play the payer."""
    [attempt, *_] = await pair.house.attempts(payment.payment_id)
    request = channel_pb.SetOutcomeRequest(request_id=str(uuid.uuid4()), attempt_id=attempt.attempt_id, outcome=outcome)
    await pair.stub.SetOutcome(request, timeout=10)


async def test_a_refund_goes_through(pair: Pair) -> None:
    created = await pair.create(10_000)
    await pair.settle(created.payment_id, "PaymentCreated", "PaymentSuccess")

    refund = await pair.house.refund(created.payment_id, 4_000)
    await pair.settle(created.payment_id, "PaymentCreated", "PaymentSuccess", "RefundCreated", "RefundSuccess")

    assert (await pair.house.get_refund(refund.refund_id)).state == pb.REFUND_STATE_SUCCEEDED
    assert (await pair.house.get(created.payment_id)).refunded_minor == 4_000


async def test_an_authorization_is_captured_in_parts_refunded_and_given_up(pair: Pair) -> None:
    created = await pair.create(30_000, capture_mode=pb.CAPTURE_MODE_MANUAL)
    types = ["PaymentCreated", "PaymentAuthorized"]
    await pair.settle(created.payment_id, *types)
    await pair.house.capture(created.payment_id, 4_000)
    await pair.settle(created.payment_id, *(types := [*types, "PaymentSuccess"]))

    # The fate of 9003: taken, but not answered; an inquiry finds it.
    await pair.house.capture(created.payment_id, 9_003, final=True)
    await pair.settle(created.payment_id, *(types := [*types, "PaymentSuccess", "PaymentCancelled"]))
    await pair.house.refund(created.payment_id, 13_003)
    await pair.settle(created.payment_id, *types, "RefundCreated", "RefundSuccess")

    after = await pair.house.get(created.payment_id)
    assert (after.captured_minor, after.cancelled_minor, after.refunded_minor) == (13_003, 16_997, 13_003)
    assert (after.capturing_minor, after.capturable_minor, after.refunding_minor) == (0, 0, 0)


async def test_an_authorization_that_was_declined_and_approved_after_all_is_released(pair: Pair) -> None:
    created = await pair.create(19_009, capture_mode=pb.CAPTURE_MODE_MANUAL)
    await pair.settle(created.payment_id, "PaymentCreated", "PaymentFailed", "PaymentContradicted")

    await pair.house.submit()

    [_, release] = await pair.house.attempts(created.payment_id)
    assert (release.action, release.state) == (pb.ATTEMPT_ACTION_CANCEL, pb.ATTEMPT_STATE_SUCCEEDED)


@pytest.mark.parametrize(("amount_minor", "ending"), [(19_011, "DisputeWon"), (19_012, "DisputeLost")])
async def test_a_contested_dispute_ends_as_its_amount_says(pair: Pair, amount_minor: int, ending: str) -> None:
    created = await pair.create(amount_minor)
    await pair.settle(created.payment_id, "PaymentCreated", "PaymentSuccess", "DisputeOpened")
    opened = await pair.dispute(created.payment_id)

    request = pb.ContestDisputeRequest(request_id=str(uuid.uuid4()), dispute_id=opened.dispute_id, evidence="receipt")
    await pair.house.call.ContestDispute(request, ANY)
    await pair.settle(
        created.payment_id, "PaymentCreated", "PaymentSuccess", "DisputeOpened", "DisputeContested", ending
    )

    ended = await pair.dispute(created.payment_id)
    assert (ended.accepted, ended.response_state) == (False, pb.DISPUTE_RESPONSE_STATE_TOLD)
    held_minor = 0 if ending == "DisputeWon" else amount_minor
    assert (await pair.house.get(created.payment_id)).disputed_minor == held_minor


async def test_an_accepted_dispute_is_lost_on_both_sides(pair: Pair) -> None:
    created = await pair.create(19_011)
    await pair.settle(created.payment_id, "PaymentCreated", "PaymentSuccess", "DisputeOpened")
    opened = await pair.dispute(created.payment_id)

    request = pb.AcceptDisputeRequest(request_id=str(uuid.uuid4()), dispute_id=opened.dispute_id)
    await pair.house.call.AcceptDispute(request, ANY)
    await dispute_jobs.respond_to_disputes(pair.house.runtime)
    types = ["PaymentCreated", "PaymentSuccess", "DisputeOpened", "DisputeLost"]
    await pair.settle(created.payment_id, *types)

    found = await pair.stub.GetDispute(channel_pb.GetDisputeRequest(dispute_reference=opened.dispute_reference))
    assert found.dispute.state == channel_pb.DISPUTE_STATE_LOST


async def test_a_dispute_that_nobody_answers_is_lost(pair: Pair) -> None:
    created = await pair.create(10_000)
    await pair.settle(created.payment_id, "PaymentCreated", "PaymentSuccess")
    [attempt] = await pair.house.attempts(created.payment_id)

    request = channel_pb.OpenDisputeRequest(
        request_id=str(uuid.uuid4()), attempt_id=attempt.attempt_id, respond_within_seconds=5
    )
    await pair.stub.OpenDispute(request, timeout=10)
    types = ["PaymentCreated", "PaymentSuccess", "DisputeOpened", "DisputeDueSoon", "DisputeLost"]
    await pair.settle(created.payment_id, *types)

    lost = await pair.dispute(created.payment_id)
    assert (lost.amount.amount_minor, lost.accepted, lost.response_state) == (10_000, False, 0)


async def test_a_dispute_goes_through_its_stages_as_the_payers_bank_says(pair: Pair) -> None:
    created = await pair.create(10_000)
    types = ["PaymentCreated", "PaymentSuccess"]
    await pair.settle(created.payment_id, *types)
    [attempt] = await pair.house.attempts(created.payment_id)
    inquiry = channel_pb.OpenDisputeRequest(
        request_id=str(uuid.uuid4()),
        attempt_id=attempt.attempt_id,
        amount=Money(amount_minor=5_000, currency_code="USD"),
        stage=channel_pb.DISPUTE_STAGE_INQUIRY,
        category="10.4",
    )
    reference = (await pair.stub.OpenDispute(inquiry, timeout=10)).dispute.dispute_reference

    async def advance(*expected: str, amount_minor: int | None = None, **word: Any) -> pb.Dispute:
        amount = Money(amount_minor=amount_minor, currency_code="USD") if amount_minor else None
        request = channel_pb.AdvanceDisputeRequest(
            request_id=str(uuid.uuid4()), dispute_reference=reference, amount=amount, **word
        )
        await pair.stub.AdvanceDispute(request, timeout=10)
        types.extend(expected)
        await pair.settle(created.payment_id, *types)
        return await pair.dispute(created.payment_id)

    types.append("DisputeInquiryOpened")
    await pair.settle(created.payment_id, *types)
    opened = await advance("DisputeOpened", stage=channel_pb.DISPUTE_STAGE_CHARGEBACK)
    assert (opened.held_minor, opened.category) == (5_000, "10.4")
    lost = await advance("DisputeLost", amount_minor=2_000)
    assert (lost.lost_minor, (await pair.house.get(created.payment_id)).disputed_minor) == (2_000, 2_000)
    won = await advance("DisputeContradicted", "DisputeOverturned", won=True)
    assert (won.lost_minor, (await pair.house.get(created.payment_id)).disputed_minor) == (0, 0)
    await advance(stage=channel_pb.DISPUTE_STAGE_PRE_ARBITRATION)
    final = await advance("DisputeOverturned")
    assert (final.state, final.lost_minor, final.stage) == (
        pb.DISPUTE_STATE_LOST,
        5_000,
        pb.DISPUTE_STAGE_PRE_ARBITRATION,
    )
    held = await pair.stub.GetDispute(channel_pb.GetDisputeRequest(dispute_reference=reference))
    assert held.dispute.taken_minor == 5_000


async def test_what_is_disputed_above_what_is_left_is_recorded_and_told_with_files(pair: Pair) -> None:
    created = await pair.create(10_000)
    await pair.settle(created.payment_id, "PaymentCreated", "PaymentSuccess")
    await pair.house.refund(created.payment_id, 7_000)
    types = ["PaymentCreated", "PaymentSuccess", "RefundCreated", "RefundSuccess"]
    await pair.settle(created.payment_id, *types)
    attempt = (await pair.house.attempts(created.payment_id))[0]
    request = channel_pb.OpenDisputeRequest(
        request_id=str(uuid.uuid4()),
        attempt_id=attempt.attempt_id,
        amount=Money(amount_minor=5_000, currency_code="USD"),
        above_limits=True,
        contest_loses=True,
    )
    await pair.stub.OpenDispute(request, timeout=10)
    types += ["DisputeOpened", "DisputeExceeded"]
    await pair.settle(created.payment_id, *types)
    opened = await pair.dispute(created.payment_id)
    assert (opened.held_minor, opened.excess_minor) == (3_000, 2_000)
    await pair.house.call.AddDisputeFile(
        pb.AddDisputeFileRequest(
            request_id=str(uuid.uuid4()),
            dispute_id=opened.dispute_id,
            name="receipt.txt",
            media_type="text/plain",
            content=b"signed",
        ),
        ANY,
    )
    contest = pb.ContestDisputeRequest(request_id=str(uuid.uuid4()), dispute_id=opened.dispute_id, evidence="-")
    await pair.house.call.ContestDispute(contest, ANY)
    await pair.settle(created.payment_id, *types, "DisputeContested", "DisputeLost")
    lost = await pair.dispute(created.payment_id)
    assert (lost.lost_minor, lost.owed_minor) == (5_000, 2_000)
    found = await pair.stub.GetDispute(channel_pb.GetDisputeRequest(dispute_reference=lost.dispute_reference))
    digest = hashlib.sha256(b"signed").hexdigest()
    assert list(found.dispute.files) == [f"receipt.txt text/plain 6 {digest}"]
