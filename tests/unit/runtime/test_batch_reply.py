"""What a batch's results are counted as is never less than what they are in its reply."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paykit.errors import DomainError, FieldInvalid, ItemFailed
from paykit.serve import batching
from paykit.serve.batch_reply import BatchReply
from paykit.serve.operations import Call, Outcome, Settled
from paykit.serve.reply_sizes import BatchReplyTooLarge
from paystream.payment.v1 import payment_pb2 as pb

Result = pb.BatchCreatePaymentsResponse.Result


def refusal(text: str) -> DomainError:
    return FieldInvalid(text, field=f"payment_method.{text[:20]}", rule=text[:50])


def reply_to(outcomes: list[Outcome]) -> pb.BatchCreatePaymentsResponse:
    """The reply as a servicer makes it."""
    failed = ItemFailed("this item met an unexpected error; it was not carried out")
    results = [
        outcome.reply if isinstance(outcome, Settled) else outcome if isinstance(outcome, DomainError) else failed
        for outcome in outcomes
    ]
    return pb.BatchCreatePaymentsResponse(results=batching.to_results(Result, results))


payments = st.integers(0, 3_000).map(lambda size: Settled(Result(payment=pb.Payment(failure_code="x" * size))))
refusals = st.text(st.characters(min_codepoint=33, max_codepoint=122), max_size=600).map(refusal)


@given(outcomes=st.lists(st.one_of(payments, refusals, st.just(RuntimeError("defect"))), min_size=1, max_size=60))
def test_a_reply_that_is_accepted_fits(outcomes: list[Outcome]) -> None:
    size = reply_to(outcomes).ByteSize()
    calls = [Call(None, None) for _ in outcomes]
    with pytest.raises(BatchReplyTooLarge):
        BatchReply(size - 1, ()).accept(calls, outcomes)


def test_what_was_accepted_before_and_refused_before_counts() -> None:
    # Of the 10,000 bytes, 4,096 are for the rest. Each payment is of 2,000 bytes and a frame of 8.
    reply = BatchReply(10_000, ())
    for _ in range(2):
        reply.accept([Call(None, None)], [Settled(pb.Payment(), size=2_000)])
    with pytest.raises(BatchReplyTooLarge) as refused:
        reply.accept([Call(None, None)], [Settled(pb.Payment(), size=2_000)])
    assert refused.value.metadata == {"reply_bytes": "10120", "reply_bytes_max": "10000"}


def test_a_call_that_is_tried_again_counts_as_it_is_then() -> None:
    reply, call = BatchReply(10_000, ()), Call(None, None)
    for _ in range(5):
        reply.accept([call], [Settled(pb.Payment(), size=5_000)])
