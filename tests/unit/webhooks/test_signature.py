"""Tests of signatures: the specification's example and two verifying libraries."""

import base64
import json
import random
import secrets
import time

import pytest
import standardwebhooks
import svix

from rushes.errors import InvalidRequest
from rushes.webhooks.endpoint import Secret
from rushes.webhooks.signature import headers, new_secret, validate_secret
from tests.unit.webhooks.harness import SECRET, endpoint

MESSAGES = 20_000
ALPHABETS = ("abc", "äöüß", "日本語", "😀🎬", "\u202e\u0000\x7f", '"\\/\n', "\U0010ffff")
EDGES = (-298, -1, 0, 1, 298)
"""Clock differences in seconds that both libraries accept: they tolerate five minutes."""


def secret_of(size: int, byte: bytes | None = None) -> str:
    content = byte * size if byte else secrets.token_bytes(size)
    return "whsec_" + base64.b64encode(content).decode()


def test_headers_match_the_specifications_example():
    message_id = "msg_p5jXN8AQM9LWM0D4loKWxJek"
    assert headers(message_id, 1614265330.9, b'{"test": 2432232314}', [SECRET]) == {
        "webhook-id": message_id,
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_headers_are_accepted_by_two_libraries():
    """Any text, secret size and number of secrets, up to the tolerated clock difference."""
    source = random.Random(20)  # noqa: S311 - no secret
    pool = [secret_of(size) for size in range(24, 65)]
    verifiers = {one: (standardwebhooks.Webhook(one), svix.Webhook(one)) for one in pool}
    for number in range(MESSAGES):
        active = source.sample(pool, source.choice((1, 1, 2, 3, 11)))
        text = "".join(source.choices(source.choice(ALPHABETS), k=source.randrange(40)))
        body = json.dumps({"n": number, "text": text}, ensure_ascii=source.random() < 0.5).encode()
        at = time.time() + source.choice(EDGES)
        signed = headers(f"evt_job_{number}_completed", at, body, active)
        standard, svix_webhook = verifiers[source.choice(active)]
        assert standard.verify(body, signed) == {"n": number, "text": text}
        svix_webhook.verify(body, signed)


@pytest.mark.parametrize("part", ["webhook-id", "webhook-timestamp", "body", "secret"])
def test_headers_do_not_verify_a_changed_message(part: str):
    secret, body, now = secret_of(32), b'{"a": 1}', time.time()
    signed = headers("evt_1", now, body, [secret])
    if part == "body":
        body = b'{"a": 2}'
    elif part == "secret":
        secret = secret_of(32)
    else:
        signed[part] = {"webhook-id": "evt_2", "webhook-timestamp": str(int(now) + 1)}[part]
    with pytest.raises(standardwebhooks.webhooks.WebhookVerificationError):
        standardwebhooks.Webhook(secret).verify(body, signed)
    with pytest.raises(svix.webhooks.WebhookVerificationError):
        svix.Webhook(secret).verify(body, signed)


def test_headers_of_yesterday_are_refused():
    secret = new_secret()
    signed = headers("evt_1", time.time() - 86_400, b"{}", [secret])
    with pytest.raises(standardwebhooks.webhooks.WebhookVerificationError):
        standardwebhooks.Webhook(secret).verify(b"{}", signed)


def test_active_secrets_include_a_replaced_secret_until_it_expires():
    old, new = new_secret(), new_secret()
    rotated = endpoint(secrets=(Secret(value=new), Secret(value=old, expires_at=1000.0)))
    assert rotated.active_secrets(999.9) == (new, old)
    assert rotated.active_secrets(1000.0) == (new,)


def test_new_secret_is_valid_and_unique():
    secret_set = {new_secret() for _ in range(100)}
    assert len(secret_set) == 100
    for secret in secret_set:
        validate_secret(secret)


@pytest.mark.parametrize("size", [24, 32, 64])
def test_validate_secret_accepts_24_to_64_bytes(size: int):
    validate_secret(secret_of(size))


@pytest.mark.parametrize(
    "value",
    [
        "",
        "whsec_",
        secret_of(23, b"s"),
        secret_of(65, b"s"),
        secret_of(32, b"s").removeprefix("whsec_"),
        "whpk_" + secret_of(32, b"s").removeprefix("whsec_"),
        "whsec_" + "é" * 40,
        "whsec_not base64 at all, not a single bit",
    ],
)
def test_validate_secret_refuses_invalid_secrets(value: str):
    """The error does not contain the value, as clients may log responses."""
    with pytest.raises(InvalidRequest) as refused:
        validate_secret(value)
    assert refused.value.param == "secret"
    assert len(value) < 7 or value[6:] not in refused.value.message


def test_secret_is_hidden_in_its_repr():
    assert "whsec" not in repr(Secret(value=new_secret()))
