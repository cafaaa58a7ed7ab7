"""Signatures of webhooks, and the secrets behind them. Pure.

A secret is derived from the platform's key, the endpoint and its number: none is kept anywhere.

Source: the Standard Webhooks specification, version 1.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping

SECRET_PREFIX = "whsec_"  # noqa: S105 - of every secret, and none itself
SECRET_BYTES_MIN = 24
SECRET_BYTES_MAX = 64
KEY_BYTES_MIN = 32
"""Of the platform's key, of which every secret is derived."""
FINGERPRINT_BYTES = 8
TOLERANCE_S = 300
"""How far the time of a message may be from the receiver's."""
SIGNATURES_MAX = 20
"""Signatures that a receiver looks at."""
_VERSION = "v1"


class SignatureInvalidError(Exception):
    """A message is not what its sender signed, or too old; the text says which."""


def derive_secret(key: bytes, endpoint_id: str, number: int) -> str:
    """Return an endpoint's secret of a number, of 32 bytes."""
    derived = hmac.digest(key, f"webhook-secret\x1f{endpoint_id}\x1f{number}".encode(), hashlib.sha256)
    return SECRET_PREFIX + base64.b64encode(derived).decode()


def fingerprint(key: bytes) -> str:
    """Return what tells one key of the platform from another, and tells nothing of it."""
    return hmac.digest(key, b"webhook-key-fingerprint", hashlib.sha256)[:FINGERPRINT_BYTES].hex()


def headers(secrets: Iterable[str], *, message_id: str, timestamp_s: int, body: bytes) -> dict[str, str]:
    """Return the headers of a message, signed by each secret, the newest first."""
    signatures = [_signature(_secret_bytes(s), message_id, str(timestamp_s), body) for s in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": " ".join(f"{_VERSION},{base64.b64encode(s).decode()}" for s in signatures),
    }


def verify(secrets: Iterable[str], received: Mapping[str, str], body: bytes, *, now_s: float) -> None:
    """Check a message as a receiver does.

    Args:
        secrets: Any of which may have signed it.
        received: Its headers, their names in lower case.
        body: Its bytes as they came.
        now_s: The time, in seconds since 1970.

    Raises:
        SignatureInvalidError: A header is missing or malformed, the message is older or newer than TOLERANCE_S, or
            no signature fits.
    """
    message_id, timestamp = received.get("webhook-id", ""), received.get("webhook-timestamp", "")
    _check_time(timestamp, now_s)
    expected = [_signature(_secret_bytes(secret), message_id, timestamp, body) for secret in secrets]
    given = list(_given_signatures(received.get("webhook-signature", "")))
    if not message_id or not any(hmac.compare_digest(one, other) for one in expected for other in given):
        raise SignatureInvalidError("no signature fits")


def _check_time(timestamp: str, now_s: float) -> None:
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= len(str(2**63))):
        raise SignatureInvalidError("webhook-timestamp is no number")
    if abs(int(timestamp) - now_s) > TOLERANCE_S:
        raise SignatureInvalidError("webhook-timestamp is too far from now")


def _given_signatures(header: str) -> Iterable[bytes]:
    for signature in header.split(" ")[:SIGNATURES_MAX]:
        version, _, encoded = signature.partition(",")
        if version == _VERSION:
            try:
                yield base64.b64decode(encoded, validate=True)
            except (binascii.Error, ValueError):
                continue


def _secret_bytes(secret: str) -> bytes:
    """Return the bytes of a secret.

    Raises:
        ValueError: It is no secret.
    """
    if not secret.startswith(SECRET_PREFIX):
        raise ValueError(f"a secret begins with {SECRET_PREFIX}")
    value = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    if not SECRET_BYTES_MIN <= len(value) <= SECRET_BYTES_MAX:
        raise ValueError(f"a secret has {SECRET_BYTES_MIN} to {SECRET_BYTES_MAX} bytes")
    return value


def _signature(secret: bytes, message_id: str, timestamp: str, body: bytes) -> bytes:
    return hmac.digest(secret, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256)
