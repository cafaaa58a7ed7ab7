"""Telling channels what merchants answered to disputes, again and again until they take it or never will.

Unlike an attempt, an answer may be told twice: channels know it by their own reference of the dispute.
"""

import asyncio
from collections.abc import Sequence

import structlog

from paykit.base.channel_routes import ChannelRoute
from paykit.channels import exchange, registry
from paykit.channels.attempts import inquiry_pause_s
from paykit.channels.channel import ANSWER_TIMEOUT_S, Channel
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


async def respond_to_disputes(runtime: Runtime) -> bool:
    """Tell channels the answers that are due; True when there may be more."""
    routes = {route.name: route for route in runtime.settings.payment_channels}
    job_name = commands.dispute.ANSWERING_JOB
    return any(await runtime.each(job_name, list(routes), lambda name: _respond(runtime, routes[name])))


async def _respond(runtime: Runtime, route: ChannelRoute) -> bool:
    """Tell one channel the answers that are due; True when there may be more."""
    if not await runtime.read(lambda tx: store.disputes.any_response_due(tx, channel=route.name)):
        return False
    async with registry.connect(route) as channel:
        if channel is None:
            return False
        due = await runtime.transaction(lambda tx: _claim(tx, route.name))
        outcomes = await _tell(runtime, channel, due)
    await runtime.transaction(lambda tx: _record(tx, due, outcomes))
    return len(due) == ANSWERS_MAX


async def _tell(runtime: Runtime, channel: Channel, due: Sequence[Response]) -> list[AnswerOutcome]:
    """Tell some answers side by side, with the files that are read for them."""
    contested = [response.dispute.dispute_id for response in due if not response.dispute.accepted]
    files = await runtime.read(lambda tx: store.dispute_files.with_contents(tx, dispute_ids=contested))
    return await asyncio.gather(*(exchange.answer_dispute(channel, to_answer(response, files)) for response in due))


async def _claim(tx: Tx, channel: str) -> list[Response]:
    return await store.disputes.claim_responses(tx, channel=channel, limit=ANSWERS_MAX, lease_s=ANSWER_LEASE_S)


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


async def _record(tx: Tx, due: Sequence[Response], outcomes: Sequence[AnswerOutcome]) -> None:
    """Keep what channels took or refused for good; the other answers wait to be told again."""
    ended: list[RecordAnswer] = []
    pauses_s: dict[str, float] = {}
    for response, outcome in zip(due, outcomes, strict=True):
        dispute_id = response.dispute.dispute_id
        if outcome is not AnswerOutcome.TAKEN:
            _log.warning("dispute_answer_not_taken", dispute_id=dispute_id, outcome=outcome)
        if outcome is AnswerOutcome.NO_ANSWER:
            pauses_s[dispute_id] = inquiry_pause_s(response.tries - 1)
        else:
            ended.append(RecordAnswer(dispute_id=dispute_id, taken=outcome is AnswerOutcome.TAKEN))
    await commands.dispute.record_answers(tx, ended)
    await store.disputes.postpone_responses(tx, pauses_s)
