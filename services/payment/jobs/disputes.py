"""Telling channels what merchants answered to disputes, again and again until they take it or never will.

Unlike an attempt, an answer may be told twice: channels know it by their own reference of the dispute.
"""

import asyncio
from collections.abc import Sequence

from paykit.channels import simulator
from paykit.channels.attempts import inquiry_pause_s
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from services.payment import commands, store
from services.payment.commands.dispute import RecordAnswer
from services.payment.domain.routing import Route
from services.payment.jobs import dispute_answers
from services.payment.jobs.dispute_answers import ANSWER_TIMEOUT_S, Answer
from services.payment.store import Response

ANSWERS_MAX = 50
"""Answers that a channel is told at once."""
ANSWER_LEASE_S = ANSWER_TIMEOUT_S + 10.0
"""From claim to the next try: the call, and time to write its result."""


async def respond_to_disputes(runtime: Runtime) -> bool:
    """Tell channels the answers that are due; True when there may be more."""
    more = [await _respond(runtime, route) for route in commands.routes_of(runtime.settings)]
    return any(more)


async def _respond(runtime: Runtime, route: Route) -> bool:
    """Tell one channel the answers that are due; True when there may be more."""
    if not await runtime.read(lambda tx: store.disputes.any_response_due(tx, channel=route.name)):
        return False
    async with simulator.reach(route.address) as stub:
        if stub is None:
            return False
        due = await runtime.transaction(lambda tx: _claim(tx, route.name))
        answers = await asyncio.gather(*(dispute_answers.tell(stub, each) for each in due))
        await runtime.transaction(lambda tx: _settle(tx, due, answers))
        return len(due) == ANSWERS_MAX


async def _claim(tx: Tx, channel: str) -> list[Response]:
    return await store.disputes.claim_responses(tx, channel=channel, limit=ANSWERS_MAX, lease_s=ANSWER_LEASE_S)


async def _settle(tx: Tx, due: Sequence[Response], answers: Sequence[Answer]) -> None:
    told = [
        RecordAnswer(dispute_id=each.dispute.dispute_id, taken=answer is Answer.TAKEN)
        for each, answer in zip(due, answers, strict=True)
        if answer is not Answer.NO_ANSWER
    ]
    await commands.dispute.record_answers(tx, told)
    await store.disputes.postpone_responses(
        tx,
        {
            each.dispute.dispute_id: inquiry_pause_s(each.tries - 1)
            for each, answer in zip(due, answers, strict=True)
            if answer is Answer.NO_ANSWER
        },
    )
