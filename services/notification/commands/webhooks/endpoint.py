"""Endpoints: registered, changed, ended by their owners, and given other secrets."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from paykit.cause import NO_CALL, CreatingCall
from paykit.errors import DomainError
from paykit.ids import new_id
from paykit.postgres.database import Tx
from paykit.work import Rows, fold
from services.notification import store
from services.notification.domain import webhooks
from services.notification.domain.webhooks.addresses import AddressPolicy
from services.notification.domain.webhooks.endpoint import (
    ENDPOINTS_MAX,
    WebhookEndpoint,
    WebhookEndpointAction,
    WebhookEndpointChange,
    WebhookEndpointsExceeded,
    WebhookEndpointState,
    WebhookKeyMissing,
)
from services.notification.domain.webhooks.secret import WebhookSecret


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateWebhookEndpoint:
    """An endpoint asked for.

    Attributes:
        policy: Where webhooks may go.
        key_fingerprint: Of the platform's key; None where it has none.
    """

    merchant_id: str
    url: str
    event_filters: tuple[str, ...]
    description: str
    policy: AddressPolicy
    key_fingerprint: str | None
    creating_call: CreatingCall = NO_CALL


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateWebhookEndpoint:
    """What an owner changes of an endpoint; an empty etag changes any revision."""

    endpoint_id: str
    change: WebhookEndpointChange
    etag: str
    policy: AddressPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteWebhookEndpoint:
    """An endpoint to end; an empty etag ends any revision."""

    endpoint_id: str
    etag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RotateWebhookSecret:
    """An endpoint to give another secret."""

    endpoint_id: str
    overlap: timedelta
    key_fingerprint: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RotatedSecret:
    """An endpoint with its new secret's number, and until when the one before signs as well."""

    endpoint: WebhookEndpoint
    number: int
    overlap_end_time: datetime | None


async def create_endpoints(tx: Tx, items: Sequence[CreateWebhookEndpoint]) -> list[WebhookEndpoint | DomainError]:
    """Register endpoints; emits nothing.

    Refusals: WebhookKeyMissing, WebhookAddressRefused, WebhookFilterInvalid, WebhookEndpointsExceeded.
    """
    endpoints, secrets = store.webhooks.endpoints.rows(tx), store.webhooks.secrets.rows(tx)
    counts = await store.webhooks.endpoints.count_living(tx, {item.merchant_id for item in items})
    real_now = await store.real_time(tx)

    def create(item: CreateWebhookEndpoint) -> WebhookEndpoint:
        fingerprint = _require_key(item.key_fingerprint)
        _check(item.policy, item.url, item.event_filters)
        if counts[item.merchant_id] >= ENDPOINTS_MAX:
            raise WebhookEndpointsExceeded("The merchant has enough endpoints.", endpoints_max=str(ENDPOINTS_MAX))
        counts[item.merchant_id] += 1
        endpoint = endpoints.add(_endpoint(item, tx.now))
        secrets.add(_secret(endpoint.endpoint_id, fingerprint, real_now))
        return endpoint

    results = fold(items, create)
    await tx.save(endpoints, secrets)
    return results


async def update_endpoints(tx: Tx, items: Sequence[UpdateWebhookEndpoint]) -> list[WebhookEndpoint | DomainError]:
    """Change endpoints; one that is enabled again is delivered at once what was kept. Emits nothing.

    Refusals: WebhookEndpointNotFound, EtagMismatch, IllegalTransition, WebhookAddressRefused, WebhookFilterInvalid.
    """
    endpoints = await store.webhooks.endpoints.lock(tx, [item.endpoint_id for item in items])
    enabled: set[str] = set()

    def update(item: UpdateWebhookEndpoint) -> WebhookEndpoint:
        before, change = endpoints.require(item.endpoint_id, webhooks.endpoint.not_found), item.change
        _check(item.policy, change.url, change.event_filters or ())
        after = webhooks.endpoint.update(before, change, etag=item.etag, now=tx.now)
        if after.state is WebhookEndpointState.ENABLED and before.state is not after.state:
            enabled.add(after.endpoint_id)
        return before if after is before else endpoints.put(after)

    results = fold(items, update)
    await tx.save(endpoints)
    await store.webhooks.deliveries.hasten(tx, enabled, await store.real_time(tx))
    return results


async def delete_endpoints(tx: Tx, items: Sequence[DeleteWebhookEndpoint]) -> list[WebhookEndpoint | DomainError]:
    """End endpoints, with what is pending for them; emits nothing. Refusals: WebhookEndpointNotFound, EtagMismatch."""
    endpoints = await store.webhooks.endpoints.lock(tx, [item.endpoint_id for item in items])

    def delete(item: DeleteWebhookEndpoint) -> WebhookEndpoint:
        before = endpoints.require(item.endpoint_id, webhooks.endpoint.not_found)
        after = webhooks.endpoint.delete(before, etag=item.etag, now=tx.now)
        return before if after is before else endpoints.put(after)

    results = fold(items, delete)
    await tx.save(endpoints)
    ended = [row.endpoint_id for row in endpoints.values() if row.state is WebhookEndpointState.DELETED]
    await store.webhooks.deliveries.end_pending(
        tx, [(endpoint_id, webhooks.delivery.ENDPOINT_DELETED) for endpoint_id in ended]
    )
    return results


async def rotate_secrets(tx: Tx, items: Sequence[RotateWebhookSecret]) -> list[RotatedSecret | DomainError]:
    """Give endpoints other secrets; emits nothing.

    Refusals: WebhookEndpointNotFound, IllegalTransition, WebhookKeyMissing.
    """
    endpoints = await store.webhooks.endpoints.lock(tx, [item.endpoint_id for item in items])
    known = await store.webhooks.secrets.of(tx, list(endpoints))
    present = store.webhooks.secrets.rows(tx, [secret for secrets in known.values() for secret in secrets])
    new = store.webhooks.secrets.rows(tx)
    real_now = await store.real_time(tx)

    def rotate(item: RotateWebhookSecret) -> RotatedSecret:
        endpoint = endpoints.require(item.endpoint_id, webhooks.endpoint.not_found)
        webhooks.endpoint.next_state(endpoint, WebhookEndpointAction.ROTATE)
        fingerprint = _require_key(item.key_fingerprint)
        secrets = _by_endpoint(present, new)[item.endpoint_id]
        ended, secret = webhooks.secret.rotate(secrets, overlap=item.overlap, key_fingerprint=fingerprint, at=real_now)
        for row in ended:
            (present if (row.endpoint_id, row.number) in present else new).put(row)
        new.add(secret)
        return RotatedSecret(
            endpoint=replace(endpoint, secret_count=1 + bool(item.overlap)),
            number=secret.number,
            overlap_end_time=real_now + item.overlap if item.overlap else None,
        )

    results = fold(items, rotate)
    await tx.save(present, new)  # First what ends: one secret of an endpoint is the newest.
    return results


def _by_endpoint(*rows: Rows[tuple[str, int], WebhookSecret]) -> defaultdict[str, list[WebhookSecret]]:
    found: defaultdict[str, list[WebhookSecret]] = defaultdict(list)
    for secret in (secret for some in rows for secret in some.values()):
        found[secret.endpoint_id].append(secret)
    return found


def _check(policy: AddressPolicy, url: str | None, event_filters: Sequence[str]) -> None:
    if url is not None:
        webhooks.addresses.check_url(url, policy)
    webhooks.filters.check(event_filters, webhooks.body.EVENTS)


def _require_key(fingerprint: str | None) -> str:
    if fingerprint is None:
        raise WebhookKeyMissing("The platform has no key of webhooks.")
    return fingerprint


def _endpoint(item: CreateWebhookEndpoint, now: datetime) -> WebhookEndpoint:
    return WebhookEndpoint(
        endpoint_id=new_id("whe", of=item.merchant_id),
        merchant_id=item.merchant_id,
        url=item.url,
        event_filters=item.event_filters,
        description=item.description,
        create_time=now,
        update_time=now,
        creating_call=item.creating_call,
    )


def _secret(endpoint_id: str, fingerprint: str, real_now: datetime) -> WebhookSecret:
    return WebhookSecret(endpoint_id=endpoint_id, number=1, key_fingerprint=fingerprint, create_time=real_now)
