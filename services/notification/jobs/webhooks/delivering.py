"""Delivering what is due: taken in one transaction, posted outside of any, recorded in another.

A delivery that was posted and not recorded, as its process died between, is due again when its lease ends: at least
once, under the same webhook-id. While some tries last, others go on: nothing waits for the slowest.
"""

import asyncio
from datetime import timedelta
from functools import partial

import structlog
from prometheus_client import Counter

from paykit.base.errors import UnavailableError
from paykit.clock import Clock, SystemClock
from paykit.errors import DomainError
from paykit.postgres.database import Tx
from paykit.process.runtime import Runtime
from paykit.serve.operations import unanswered
from services.notification import commands, store
from services.notification.commands.webhooks import platform
from services.notification.commands.webhooks.delivery import DELIVERING_JOBS, RecordWebhookAttempt, SignedWebhook
from services.notification.domain.webhooks import signing
from services.notification.domain.webhooks.delivery import WebhookAnswer
from services.notification.jobs.webhooks.sending import ATTEMPT_TIMEOUT_S, WebhookSender

IN_FLIGHT_MAX = 400
"""Tries of one job at one time."""
LEASE = timedelta(seconds=ATTEMPT_TIMEOUT_S + 20.0)
"""From the claim to when it is due again: the try, and time to record it."""
LOOK_EVERY_S = 0.25
"""Between two looks for what is due while tries are on their way."""
GATHER_S = 0.02
"""After a try has ended, so that one look for more serves those that end with it."""
RECORDING_JOB = "record_webhooks"
"""Deliveries of which no outcome can be recorded are counted beside endpoints."""
INTERNAL_ERROR = "INTERNAL_ERROR"
"""This service could not post it."""
SECRET_UNAVAILABLE = "SECRET_UNAVAILABLE"  # noqa: S105 - a reason
"""The platform's key is another than the endpoint's secrets were derived of."""

ATTEMPTS = Counter("paystream_webhook_attempts", "Tries to deliver webhooks, by outcome.", ["outcome"])

_RECORD = unanswered("RecordWebhookAttempt", commands.webhooks.delivery.record_attempts)
_log = structlog.get_logger()


class WebhookDelivering:
    """One job: endpoints that take what they are sent, or those that fail.

    Args:
        failing: Whether it is the job of those that fail.
        sender: Posts; None to make one by the settings.
        clock: Real time.
    """

    def __init__(self, *, failing: bool, sender: WebhookSender | None = None, clock: Clock | None = None) -> None:
        self._failing = failing
        self._sender = sender
        self._clock = clock or SystemClock()

    async def run(self, runtime: Runtime) -> bool:
        """Deliver until nothing is due and nothing is on its way; says that there is no more."""
        sender = self._sender
        tries: set[asyncio.Task[None]] = set()
        try:
            while True:
                claimed = await self._claim(runtime, IN_FLIGHT_MAX - len(tries))
                if not claimed and not tries:
                    return False
                sender = sender or WebhookSender(platform.policy_of(runtime.settings))
                tries |= {asyncio.create_task(self._try(runtime, sender, one)) for one in claimed}
                done, tries = await asyncio.wait(tries, timeout=LOOK_EVERY_S, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
                if done:
                    await asyncio.sleep(GATHER_S)
        finally:
            await _cancel(tries)
            if sender is not None and sender is not self._sender:
                await sender.close()

    async def _claim(self, runtime: Runtime, limit: int) -> list[SignedWebhook]:
        """Take what is due; an endpoint of which nothing can be taken is passed by, and so is a bad delivery."""
        at, job_name = self._clock.now(), DELIVERING_JOBS[self._failing]
        waiting = partial(commands.webhooks.delivery.waiting_endpoints, at=at, failing=self._failing)
        if limit < 1 or not (endpoint_ids := await runtime.read(waiting)):
            return []
        await self._forget_ended(runtime)
        bad = runtime.failing(job_name).keys
        taken_from = [each for each in endpoint_ids if each not in bad][:limit]
        resting = runtime.failing(RECORDING_JOB).resting

        async def claim(tx: Tx) -> list[SignedWebhook]:
            return await commands.webhooks.delivery.claim_deliveries(
                tx,
                [*taken_from, *bad],
                at=at,
                failing=self._failing,
                limit=limit,
                lease=LEASE,
                without=resting,
            )

        return [webhook for part in await runtime.isolated(job_name, claim) for webhook in part][:limit]

    async def _forget_ended(self, runtime: Runtime) -> None:
        """Forget deliveries that failed, were tried again since, and are not there any more."""
        if due := runtime.failing(RECORDING_JOB).due():
            pending = await runtime.read(partial(store.webhooks.deliveries.pending, delivery_ids=due))
            runtime.settle(RECORDING_JOB, set(due).difference(pending))

    async def _try(self, runtime: Runtime, sender: WebhookSender, webhook: SignedWebhook) -> None:
        start_time = self._clock.now()
        try:
            answer = await _post(runtime, sender, webhook, timestamp_s=int(start_time.timestamp()))
        except Exception:  # noqa: BLE001 - a defect of ours, recorded as a failed try; the other deliveries go on
            _log.exception("webhook_not_posted", delivery_id=webhook.claimed.delivery_id)
            answer = WebhookAnswer(failure=INTERNAL_ERROR)
        ATTEMPTS.labels(answer.failure or f"{answer.status_code or 0:03}"[0] + "xx").inc()
        item = RecordWebhookAttempt(
            delivery_id=webhook.claimed.delivery_id,
            endpoint_id=webhook.claimed.endpoint_id,
            answer=answer,
            start_time=start_time,
            end_time=self._clock.now(),
        )
        try:
            await runtime.change(_RECORD, item)
        except DomainError as refusal:
            _log.warning("webhook_attempt_refused", delivery_id=item.delivery_id, reason=refusal.reason)
        except UnavailableError:
            raise
        except Exception as error:  # noqa: BLE001 - one delivery's; it is tried again later and later
            runtime.set_aside(RECORDING_JOB, item.delivery_id, error)
            return
        runtime.settle(RECORDING_JOB, [item.delivery_id])


async def _post(runtime: Runtime, sender: WebhookSender, webhook: SignedWebhook, *, timestamp_s: int) -> WebhookAnswer:
    key, claimed = platform.key_of(runtime.settings), webhook.claimed
    fingerprint = signing.fingerprint(key) if key else None
    usable = [secret for secret in webhook.secrets if secret.key_fingerprint == fingerprint]
    if not key or not usable:
        _log.error("webhook_secret_unavailable", endpoint_id=claimed.endpoint_id)
        return WebhookAnswer(failure=SECRET_UNAVAILABLE)
    body = claimed.body.encode()
    secrets = [signing.derive_secret(key, claimed.endpoint_id, secret.number) for secret in usable]
    headers = signing.headers(secrets, message_id=claimed.event_id, timestamp_s=timestamp_s, body=body)
    return await sender.post(claimed.url, headers, body)


async def _cancel(tries: set[asyncio.Task[None]]) -> None:
    """End what is on its way: unrecorded, it is tried again when its lease ends."""
    for task in tries:
        task.cancel()
    await asyncio.gather(*tries, return_exceptions=True)
