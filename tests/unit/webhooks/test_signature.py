"""Signatures: the specification's own example, and two libraries that others verify with."""

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
from rushes.webhooks.signature import check_secret, headers, new_secret
from tests.unit.webhooks.harness import endpoint

MESSAGES = 20_000
EXAMPLE = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ALPHABETS = ("abc", "äöüß", "日本語", "😀🎬", "\u202e\u0000\x7f", '"\\/\n', "\U0010ffff")
EDGES = (-298, -1, 0, 1, 298)
"""Seconds from now at which both libraries still have to accept: they bear five minutes."""


def secret_of(size: int, byte: bytes | None = None) -> str:
    content = byte * size if byte else secrets.token_bytes(size)
    return "whsec_" + base64.b64encode(content).decode()


def test_the_specifications_example_comes_out():
    signed = headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330.9, b'{"test": 2432232314}', [EXAMPLE]
    )
    assert signed == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_both_libraries_accept_whatever_is_signed():
    """Any text, any size of secret, one or several of them, at the edges of what is borne."""
    dice = random.Random(20)  # noqa: S311 - what is drawn is no secret
    pool = [secret_of(size) for size in range(24, 65)]
    judges = {secret: (standardwebhooks.Webhook(secret), svix.Webhook(secret)) for secret in pool}
    for number in range(MESSAGES):
        live = dice.sample(pool, dice.choice((1, 1, 2, 3, 11)))
        text = "".join(dice.choices(dice.choice(ALPHABETS), k=dice.randrange(40)))
        body = json.dumps({"n": number, "text": text}, ensure_ascii=dice.random() < 0.5).encode()
        at = time.time() + dice.choice(EDGES)
        signed = headers(f"evt_job_{number}_completed", at, body, live)
        plain, of_svix = judges[dice.choice(live)]
        assert plain.verify(body, signed) == {"n": number, "text": text}
        of_svix.verify(body, signed)


@pytest.mark.parametrize("part", ["webhook-id", "webhook-timestamp", "body", "secret"])
def test_neither_library_accepts_what_was_changed_on_the_way(part: str):
    secret, body, now = secret_of(32), b'{"a": 1}', time.time()
    signed = headers("evt_1", now, body, [secret])
    match part:
        case "webhook-id":
            signed[part] = "evt_2"
        case "webhook-timestamp":
            signed[part] = str(int(now) + 1)
        case "body":
            body = b'{"a": 2}'
        case _:
            secret = secret_of(32)
    with pytest.raises(standardwebhooks.webhooks.WebhookVerificationError):
        standardwebhooks.Webhook(secret).verify(body, signed)
    with pytest.raises(svix.webhooks.WebhookVerificationError):
        svix.Webhook(secret).verify(body, signed)


def test_a_message_of_yesterday_is_refused_though_its_signature_is_right():
    secret = new_secret()
    signed = headers("evt_1", time.time() - 86_400, b"{}", [secret])
    with pytest.raises(standardwebhooks.webhooks.WebhookVerificationError):
        standardwebhooks.Webhook(secret).verify(b"{}", signed)


def test_a_replaced_secret_signs_until_its_time_is_over():
    old, new = new_secret(), new_secret()
    rotated = endpoint(secrets=(Secret(value=new), Secret(value=old, expires_at=1000.0)))
    assert rotated.live_secrets(999.9) == (new, old)
    assert rotated.live_secrets(1000.0) == (new,)


def test_minted_secrets_are_different_and_good():
    minted = {new_secret() for _ in range(100)}
    assert len(minted) == 100
    for secret in minted:
        check_secret(secret)


@pytest.mark.parametrize("size", [24, 32, 64])
def test_secrets_of_24_to_64_bytes_will_do(size: int):
    check_secret(secret_of(size))


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
        "whsec_not base64 at all, whatever it is",
    ],
)
def test_other_secrets_will_not(value: str):
    """And what was given is not said again, in an answer that somebody may keep."""
    with pytest.raises(InvalidRequest) as refused:
        check_secret(value)
    assert refused.value.param == "secret"
    assert len(value) < 7 or value[6:] not in refused.value.message


def test_a_secret_does_not_show_in_a_log():
    assert "whsec" not in repr(Secret(value=new_secret()))
