"""Telling channels what merchants answered to disputes, again and again until they take it or never will.

Unlike an attempt, an answer may be told twice: channels know it by their own reference of the dispute.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from paykit.base.channel_routes import ChannelRoute
from paykit.channels import exchange, registry
from paykit.channels.attempts import inquiry_pause_s
from paykit.channels.channel import ANSWER_TIMEOUT_S
from paykit.channels.requests import AnswerOutcome, DisputeAnswer, EvidenceFile
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from services.payment import commands, store
from services.payment.commands.dispute import RecordAnswer
from services.payment.store import FileWithContent, Response

ANSWERS_MAX = 10
"""Answers that a channel is told at once: with all their files 25 MiB at most."""
ANSWER_LEASE_S = ANSWER_TIMEOUT_S + 10.0
"""From claim to the next try: the call, and time to write its result."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer that was taken, and what the channel is told."""

    response: Response
    answer: DisputeAnswer


async def respond_to_disputes(runtime: Runtime) -> bool:
    """Tell channels the answers that are due; True when there may be more."""
    routes = {route.name: route for route in runtime.settings.payment_channels}
    job_name = commands.dispute.ANSWERING_JOB
    return any(await runtime.each(job_name, list(routes), lambda name: _respond(runtime, routes[name])))


async def _respond(runtime: Runtime, route: ChannelRoute) -> bool:
    """Tell one channel the answers that are due; True when there may be more."""
    job_name = f"respond_to_{route.name}"
    any_due = partial(store.disputes.any_response_due, channel=route.name)
    if not (runtime.fails(job_name) or await runtime.read(any_due)):
        return False
    async with registry.connect(route) as channel:
        if channel is None:
            return False
        parts = await runtime.isolated(job_name, partial(_claim, channel=route.name), done=False)
        due = {answer.response.dispute.dispute_id: answer for part in parts for answer in part}
        outcomes = await asyncio.gather(*(exchange.answer_dispute(channel, each.answer) for each in due.values()))
    told = dict(zip(due, outcomes, strict=True))

    async def record(dispute_id: str) -> None:
        await runtime.transaction(lambda tx: _record(tx, due[dispute_id].response, told[dispute_id]))

    await runtime.each(job_name, list(due), record)
    return len(due) >= ANSWERS_MAX


async def _claim(tx: Tx, channel: str) -> list[_Answer]:
    """Take answers, with the files that are read for them: what cannot be told then fails alone."""
    due = await store.disputes.claim_responses(tx, channel=channel, limit=ANSWERS_MAX, lease_s=ANSWER_LEASE_S)
    contested = [response.dispute.dispute_id for response in due if not response.dispute.accepted]
    files = await store.dispute_files.with_contents(tx, dispute_ids=contested)
    return [_Answer(response, to_answer(response, files)) for response in due]


def to_answer(response: Response, files: Sequence[FileWithContent] = ()) -> DisputeAnswer:
    """Make what a channel is told of a merchant's answer, with those of the files that are the dispute's."""
    dispute = response.dispute
    return DisputeAnswer(
        dispute_reference=dispute.dispute_reference,
        contested=not dispute.accepted,
        evidence=dispute.evidence or "",
        correlation_id=response.correlation_id,
        category=dispute.category or "",
        files=tuple(
            EvidenceFile(name=each.file.name, media_type=each.file.media_type, content=each.content)
            for each in files
            if each.file.dispute_id == dispute.dispute_id
        ),
    )


async def _record(tx: Tx, response: Response, outcome: AnswerOutcome) -> None:
    """Keep what a channel took or refused for good; another answer waits to be told again."""
    dispute_id = response.dispute.dispute_id
    if outcome is not AnswerOutcome.TAKEN:
        _log.warning("dispute_answer_not_taken", dispute_id=dispute_id, outcome=outcome)
    if outcome is AnswerOutcome.NO_ANSWER:
        await store.disputes.postpone_responses(tx, {dispute_id: inquiry_pause_s(response.tries - 1)})
    else:
        await commands.dispute.record_answers(
            tx, [RecordAnswer(dispute_id=dispute_id, taken=outcome is AnswerOutcome.TAKEN)]
        )
