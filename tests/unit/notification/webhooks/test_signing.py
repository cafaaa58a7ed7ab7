"""Signatures: as the specification says, and as its library does."""

import base64
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from services.notification.domain.webhooks import signing
from services.notification.domain.webhooks.signing import SignatureInvalidError

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OTHER = "whsec_" + base64.b64encode(bytes(range(1, 33))).decode()
BODY = '{"type":"order.OrderPaid","data":{"name":"茶"}}'.encode()

bodies = st.text(max_size=200).map(str.encode)
secrets = st.binary(min_size=24, max_size=64).map(lambda value: "whsec_" + base64.b64encode(value).decode())
message_ids = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60)


def test_signature_is_the_one_that_the_specification_shows() -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    headers = signing.headers(
        [secret], message_id="msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp_s=1614265330, body=b'{"test": 2432232314}'
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@given(secret=secrets, message_id=message_ids, body=bodies, timestamp_s=st.integers(0, 2**32))
def test_library_signs_alike(secret: str, message_id: str, body: bytes, timestamp_s: int) -> None:
    headers = signing.headers([secret], message_id=message_id, timestamp_s=timestamp_s, body=body)
    theirs = Webhook(secret).sign(message_id, datetime.fromtimestamp(timestamp_s, UTC), body.decode())
    assert headers["webhook-signature"] == theirs


@given(secret=secrets, body=bodies, tampered=st.sampled_from(["", "body", "id", "timestamp", "signature", "secret"]))
def test_library_and_we_verify_alike(secret: str, body: bytes, tampered: str) -> None:
    now = time.time()
    headers = signing.headers([secret], message_id="evt_1", timestamp_s=int(now), body=body)
    match tampered:
        case "body":
            body += b" "
        case "id":
            headers["webhook-id"] = "evt_2"
        case "timestamp":
            headers["webhook-timestamp"] = str(int(now) - 1)
        case "signature":
            headers["webhook-signature"] = "v1," + base64.b64encode(bytes(32)).decode()
        case "secret":
            secret = OTHER
    if not tampered:
        signing.verify([secret], headers, body, now_s=now)
        Webhook(secret).verify(body, headers, json_parse=False)
        return
    with pytest.raises(SignatureInvalidError):
        signing.verify([secret], headers, body, now_s=now)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body, headers, json_parse=False)


@given(
    headers=st.dictionaries(
        st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"]),
        st.one_of(
            st.text(max_size=40), st.sampled_from(["v1,é", "v1,a", "v1", ",", "1e3", "٣", "9" * 40, "-1", "nan"])
        ),
    ),
    body=st.binary(max_size=40),
)
def test_hostile_headers_are_refused_in_one_way(headers: dict[str, str], body: bytes) -> None:
    with pytest.raises(SignatureInvalidError):
        signing.verify([SECRET], headers, body, now_s=1_000)


def test_any_of_several_secrets_verifies() -> None:
    headers = signing.headers([SECRET, OTHER], message_id="evt_1", timestamp_s=1_000, body=BODY)
    assert len(headers["webhook-signature"].split(" ")) == 2
    for secret in (SECRET, OTHER):
        signing.verify([secret], headers, BODY, now_s=1_000)
    old = signing.headers([OTHER], message_id="evt_1", timestamp_s=1_000, body=BODY)
    signing.verify([SECRET, OTHER], old, BODY, now_s=1_000)


@pytest.mark.parametrize(("now_s", "taken"), [(700, True), (1_300, True), (699, False), (1_301, False)])
def test_message_is_taken_for_five_minutes_before_and_after_its_time(now_s: int, *, taken: bool) -> None:
    headers = signing.headers([SECRET], message_id="evt_1", timestamp_s=1_000, body=BODY)
    if taken:
        signing.verify([SECRET], headers, BODY, now_s=now_s)
        return
    with pytest.raises(SignatureInvalidError):
        signing.verify([SECRET], headers, BODY, now_s=now_s)


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_AAAA", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_" + "A" * 88]
)
def test_what_is_no_secret_signs_nothing(secret: str) -> None:
    with pytest.raises(ValueError, match=r"secret|base64|Incorrect"):
        signing.headers([secret], message_id="evt_1", timestamp_s=1, body=b"")


def test_secrets_differ_by_key_endpoint_and_number_and_have_32_bytes() -> None:
    key = b"k" * 32
    derived = [
        signing.derive_secret(key, "whe_1", 1),
        signing.derive_secret(key, "whe_1", 2),
        signing.derive_secret(key, "whe_2", 1),
        signing.derive_secret(b"l" * 32, "whe_1", 1),
    ]
    assert len(set(derived)) == 4
    assert {len(base64.b64decode(secret.removeprefix("whsec_"))) for secret in derived} == {32}
    assert derived[0] == signing.derive_secret(key, "whe_1", 1)
    assert signing.fingerprint(key) != signing.fingerprint(b"l" * 32)
