"""Signing secrets of all accounts are encrypted with the current key, and keep signing."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from cli import signing_secrets as command
from cli.target import Target
from rushes.aws.dynamodb.webhooks import EndpointTable
from rushes.aws.webhook_cipher import PREFIX, WebhookCipher
from rushes.webhooks.endpoint import RequestSecrets, Secret
from rushes.webhooks.signature import new_secret
from tests.faults.moto_stack import ENVIRONMENT, MotoStack
from tests.unit.webhooks.fakes import FakeKeySecret, signing_secrets
from tests.unit.webhooks.harness import SECRET, START, endpoint

TABLE = ENVIRONMENT["TABLE_NAME"]


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name, value in ENVIRONMENT.items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    stack = MotoStack()
    stack.reset()
    yield stack.client("dynamodb")
    stack.stop()


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> FakeKeySecret:
    made = FakeKeySecret()
    monkeypatch.setattr(command, "WebhookCipher", lambda _client, name: cipher(made, name))
    return made


def cipher(made: FakeKeySecret, name: str) -> WebhookCipher:
    client: Any = made
    return WebhookCipher(lambda: client, name)


@pytest.fixture
def target(dynamodb: Any) -> Target:
    del dynamodb  # the table exists
    session = boto3.Session("id", "secret", region_name="us-east-1")
    return Target("rushes", session, "", TABLE, "")


ACCOUNTS = ("one", "two", "three", "demo", "without")


def test_secrets_of_older_releases_and_of_the_previous_key_are_encrypted(
    dynamodb: Any, key: FakeKeySecret, target: Target
):
    endpoints = EndpointTable(dynamodb, TABLE)
    old = endpoint("we_old")
    rotated = endpoint(
        "we_rotated",
        account="two",
        secrets=(Secret(value=new_secret()), Secret(value=SECRET, expires_at=START)),
    )
    own = signing_secrets(endpoints, key)
    previous = endpoint("we_previous", secrets=(own.encrypt(SECRET, "one", "we_previous"),))
    for one in (old, rotated, previous):
        endpoints.add(one)
    endpoints.add_request_secrets(
        RequestSecrets(
            account="three", secrets=(Secret(value=SECRET),), slow_hosts={"a.example": 1}
        )
    )
    key.put("second key")

    assert command.reencrypt(target, "key", ACCOUNTS) == 4

    new = signing_secrets(endpoints, key)
    for before in (old, rotated, previous):
        after = endpoints.get(before.account, before.id)
        assert after is not None
        assert all(one.value.startswith(f"{PREFIX}version-2:") for one in after.secrets)
        assert new.active(after, START - 1) == own.active(before, START - 1)
        assert [one.expires_at for one in after.secrets] == [
            one.expires_at for one in before.secrets
        ]
    requests = endpoints.request_secrets("three")
    assert requests is not None
    assert new.newest(requests) == SECRET
    assert requests.slow_hosts == {"a.example": 1}


def test_empty_table_needs_no_key(target: Target, key: FakeKeySecret):
    assert command.reencrypt(target, "key", ACCOUNTS) == 0
    assert key.reads == []
