"""A bank that pays out over HTTP: PUT /payouts/<attempt_id> pays, once; GET tells what became of it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Literal

import httpx
from pydantic import BaseModel

from paykit.base.config import Secret
from paykit.channels.attempts import Evidence, EvidenceOutcome, Source, not_found_is_final
from paykit.channels.channel import INQUIRE_TIMEOUT_S, SEND_TIMEOUT_S, Channel
from paykit.channels.registry import Adapter, AdapterSettings
from paykit.channels.requests import ChannelOperation, Inquiry, PayoutRequest

CONNECTIONS_MAX = 20
REACH_TIMEOUT_S = 1.0
OUTCOMES = {
    "paid": EvidenceOutcome.SUCCEEDED,
    "rejected": EvidenceOutcome.FAILED,
    "processing": EvidenceOutcome.PENDING,
    "unknown": EvidenceOutcome.NOT_FOUND,
}


class AcmeSettings(AdapterSettings):
    """What a route tells the adapter: the key to the bank, and how long after it was sent a payout may still arrive."""

    api_key: Secret
    finality_s: float = 60.0


class Payout(BaseModel):
    """A payout as the bank shows it."""

    id: str
    status: Literal["paid", "rejected", "processing", "unknown"]
    reference: str | None = None
    reason: str | None = None


class AcmeBank(Channel):
    """The bank at the other end of some connections."""

    def __init__(self, http: httpx.AsyncClient, settings: AcmeSettings) -> None:
        self._http, self._settings = http, settings

    async def pay_out(self, requests: Sequence[PayoutRequest]) -> Sequence[Evidence]:
        """Pay amounts out, side by side."""
        return await asyncio.gather(*(self._pay(request) for request in requests))

    async def inquire(self, inquiries: Sequence[Inquiry]) -> Sequence[Evidence]:
        """Ask what became of payouts, side by side."""
        return await asyncio.gather(*(self._look_up(inquiry) for inquiry in inquiries))

    async def _pay(self, request: PayoutRequest) -> Evidence:
        body: dict[str, str | int] = {
            "amount": request.amount_minor,
            "currency": request.currency_code,
            "account": request.destination_token,
            "reference": request.related_no,
        }
        payout = await self._ask("PUT", request.attempt_id, SEND_TIMEOUT_S, body)
        return _evidence(request.attempt_id, Source.RESPONSE, payout)

    async def _look_up(self, inquiry: Inquiry) -> Evidence:
        payout = await self._ask("GET", inquiry.attempt_id, INQUIRE_TIMEOUT_S)
        final = not_found_is_final(age_s=inquiry.age_s, finality_s=self._settings.finality_s)
        return _evidence(inquiry.attempt_id, Source.INQUIRY, payout, final=final)

    async def _ask(
        self, method: str, attempt_id: str, timeout_s: float, body: dict[str, str | int] | None = None
    ) -> Payout | None:
        """Call the bank once; None for whatever is no clear answer about this payout."""
        try:
            async with asyncio.timeout(timeout_s):
                answer = await self._http.request(method, f"/payouts/{attempt_id}", json=body)
            payout = Payout.model_validate_json(answer.content)
        except (httpx.HTTPError, TimeoutError, ValueError):
            return None
        return payout if payout.id == attempt_id and (payout.reference or payout.status != "paid") else None


def _evidence(attempt_id: str, source: Source, payout: Payout | None, *, final: bool = False) -> Evidence:
    outcome = OUTCOMES[payout.status] if payout else EvidenceOutcome.NO_ANSWER
    return Evidence(
        attempt_id=attempt_id,
        source=source,
        outcome=outcome,
        channel_reference=payout.reference if payout else None,
        failure_code=payout.reason if payout and outcome is EvidenceOutcome.FAILED else None,
        final=final and outcome is EvidenceOutcome.NOT_FOUND,
    )


@asynccontextmanager
async def connect(address: str, settings: AcmeSettings) -> AsyncIterator[Channel | None]:
    """Reach the bank at a URL; None while it does not answer: then payouts wait."""
    headers = {"authorization": f"Bearer {settings.api_key.get_secret_value()}"}
    limits = httpx.Limits(max_connections=CONNECTIONS_MAX)
    async with httpx.AsyncClient(base_url=address, headers=headers, limits=limits, timeout=None) as http:  # noqa: S113
        yield AcmeBank(http, settings) if await _answers(http) else None


async def _answers(http: httpx.AsyncClient) -> bool:
    try:
        return (await http.get("/health", timeout=REACH_TIMEOUT_S)).is_success
    except httpx.HTTPError:
        return False


ADAPTER = Adapter(operations=frozenset({ChannelOperation.PAY_OUT}), settings=AcmeSettings, connect=connect)
