"""Where the providers are and their keys, out of one secret."""

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


@dataclass
class SecretsManager:
    """Answers as the real one does; counts how often it was asked."""

    secret: str | None
    asked: list[str] = field(default_factory=list)

    def get_secret_value(self, *, SecretId: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        self.asked.append(SecretId)
        return {} if self.secret is None else {"SecretString": self.secret}


def secret_of(secret: str | None) -> tuple[ProviderSecret, SecretsManager]:
    client = SecretsManager(secret)
    return ProviderSecret(client, "arn", CATALOG), client  # type: ignore[arg-type]


def test_a_provider_is_where_the_catalog_says_and_is_shown_the_key():
    upstream = secret_of('{"one": {"api_key": "sk-1"}}')[0].find("one")
    assert upstream.base_url == "https://one.example/v1"
    assert upstream.headers == {"authorization": "Bearer sk-1"}


def test_the_secrets_address_goes_before_the_catalogs():
    secret, _ = secret_of('{"one": {"base_url": "https://mine.example/v1/"}}')
    assert secret.find("one").base_url == "https://mine.example/v1"


@pytest.mark.parametrize("entry", [{}, {"api_key": None}, {"api_key": ""}, {"api_key": " "}])
def test_a_provider_without_a_key_is_shown_none(entry: dict[str, str]):
    assert secret_of(json.dumps({"one": entry}))[0].find("one").headers == {}
    assert secret_of("{}")[0].find("one").headers == {}


def test_a_key_pasted_with_its_line_end_is_the_key():
    secret, _ = secret_of(json.dumps({"one": {"api_key": " sk-1\r\n"}}))
    assert secret.find("one").headers == {"authorization": "Bearer sk-1"}


@pytest.mark.parametrize("provider", ["two", "three"])
def test_a_provider_without_an_address_is_not_configured(provider: str):
    """Nor is one that the catalog had when the job was made, and has no more."""
    with pytest.raises(ProviderNotConfigured, match=provider):
        secret_of("{}")[0].find(provider)


@pytest.mark.parametrize(
    ("secret", "place"),
    [
        *((None, "the whole"), ("", "the whole"), ("sk-1", "the whole"), ("[]", "the whole")),
        *(('{"one": "sk-TELL"}', "one"), ('{"one": {"key": "sk-TELL"}}', r"one\.key")),
        ('{"one": {"api_key": "sk-\\nTELL"}}', r"one\.api_key"),
        ('{"one": {"api_key": "sk-TELLé"}}', r"one\.api_key"),
        ('{"one": {"api_key": 5}}', r"one\.api_key"),
    ],
)
def test_a_secret_that_cannot_be_read_is_named_by_place_and_not_by_content(
    secret: str | None, place: str
):
    with pytest.raises(ProviderNotConfigured, match=f": {place}$") as trouble:
        secret_of(secret)[0].find("one")
    assert "TELL" not in repr(trouble.value)
    assert trouble.value.__cause__ is None


def test_the_secret_is_read_again_after_a_while(monkeypatch: pytest.MonkeyPatch):
    now = [1000.0]
    monkeypatch.setattr("rushes.aws.secrets.time.monotonic", lambda: now[0])
    secret, client = secret_of('{"one": {"api_key": "old"}}')
    secret.find("one")
    client.secret = '{"one": {"api_key": "new"}}'
    now[0] += secrets.CACHE_TTL
    assert secret.find("one").headers == {"authorization": "Bearer old"}
    now[0] += 1
    assert secret.find("one").headers == {"authorization": "Bearer new"}
    assert client.asked == ["arn", "arn"]
