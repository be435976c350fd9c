import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from rushes.aws import secrets
from rushes.aws.secrets import ProviderSecret
from rushes.catalog.models import Catalog, ModelEntry
from rushes.catalog.provider_config import ProviderEntry
from rushes.errors import ProviderNotConfigured

CATALOG = Catalog(
    default_model="one/model",
    providers={
        "one": ProviderEntry(protocol="openai_compatible", base_url="https://one.example/v1/"),
        "two": ProviderEntry(protocol="openai_compatible"),
    },
    models=(ModelEntry(name="one/model", seconds=(4,), sizes=("128x72",)),),
)

WHOLE = "not a JSON object"


@dataclass
class SecretsManager:
    """Fake that records the calls."""

    secret: str | None
    requested: list[str] = field(default_factory=list)

    def get_secret_value(self, *, SecretId: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        self.requested.append(SecretId)
        return {} if self.secret is None else {"SecretString": self.secret}


def secret_of(secret: str | None) -> tuple[ProviderSecret, SecretsManager]:
    client = SecretsManager(secret)
    return ProviderSecret(client, "arn", CATALOG), client  # type: ignore[arg-type]


def test_find_returns_catalog_base_url_and_key_header():
    upstream = secret_of('{"one": {"api_key": "sk-1"}}')[0].find("one")
    assert upstream.base_url == "https://one.example/v1"
    assert upstream.headers == {"authorization": "Bearer sk-1"}


def test_find_prefers_base_url_of_the_secret():
    secret, _ = secret_of('{"one": {"base_url": "https://mine.example/v1/"}}')
    assert secret.find("one").base_url == "https://mine.example/v1"


@pytest.mark.parametrize("entry", [{}, {"api_key": None}, {"api_key": ""}, {"api_key": " "}])
def test_find_without_key_returns_no_headers(entry: dict[str, str]):
    assert secret_of(json.dumps({"one": entry}))[0].find("one").headers == {}
    assert secret_of("{}")[0].find("one").headers == {}


def test_find_strips_whitespace_of_the_key():
    secret, _ = secret_of(json.dumps({"one": {"api_key": " sk-1\r\n"}}))
    assert secret.find("one").headers == {"authorization": "Bearer sk-1"}


@pytest.mark.parametrize("provider", ["two", "three"])
def test_find_refuses_a_provider_without_base_url(provider: str):
    """Provider `three` was removed from the catalog."""
    with pytest.raises(ProviderNotConfigured, match=provider):
        secret_of("{}")[0].find(provider)


@pytest.mark.parametrize(
    ("secret", "field"),
    [
        *((None, WHOLE), ("", WHOLE), ("sk-1", WHOLE), ("[]", WHOLE)),
        *(('{"one": "sk-TELL"}', "one"), ('{"one": {"key": "sk-TELL"}}', r"one\.key")),
        ('{"one": {"api_key": "sk-\\nTELL"}}', r"one\.api_key"),
        ('{"one": {"api_key": "sk-TELLé"}}', r"one\.api_key"),
        ('{"one": {"api_key": 5}}', r"one\.api_key"),
    ],
)
def test_invalid_secret_error_names_the_field_not_the_value(secret: str | None, field: str):
    with pytest.raises(ProviderNotConfigured, match=f": {field}$") as raised:
        secret_of(secret)[0].find("one")
    assert "TELL" not in repr(raised.value)
    assert raised.value.__cause__ is None


def test_secret_is_read_again_after_the_cache_ttl(monkeypatch: pytest.MonkeyPatch):
    now = [1000.0]
    monkeypatch.setattr("rushes.aws.secrets.time.monotonic", lambda: now[0])
    secret, client = secret_of('{"one": {"api_key": "old"}}')
    secret.find("one")
    client.secret = '{"one": {"api_key": "new"}}'
    now[0] += secrets.CACHE_TTL
    assert secret.find("one").headers == {"authorization": "Bearer old"}
    now[0] += 1
    assert secret.find("one").headers == {"authorization": "Bearer new"}
    assert client.requested == ["arn", "arn"]
