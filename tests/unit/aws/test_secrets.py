import json
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rushes.aws import secrets
from rushes.aws.provider_auth import ProviderAuth
from rushes.aws.secrets import ProviderSecrets
from rushes.catalog.model_entry import ModelEntry
from rushes.catalog.models import Catalog
from rushes.catalog.provider_config import ProviderEntry
from rushes.errors import AwsUnavailable, ProviderNotConfigured
from rushes.http.access_tokens import AccessTokens
from rushes.jobs.job import Job
from tests.fakes import FixedCatalogs
from tests.unit.jobs.plain_job import plain_job

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
    """Fake that records the calls. `values`: texts by name, or the code of an error."""

    values: dict[str, Any] = field(default_factory=dict)
    requested: list[str] = field(default_factory=list)

    def get_secret_value(self, *, SecretId: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        self.requested.append(SecretId)
        value = self.values.get(SecretId, ConnectionRefusedError)
        if value is ConnectionRefusedError:
            raise failed("ResourceNotFoundException")
        if isinstance(value, ClientError):
            raise value
        return {} if value is None else {"SecretString": value}


def failed(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, "GetSecretValue")


def secrets_of(**values: Any) -> tuple[ProviderSecrets, SecretsManager]:
    client = SecretsManager({f"rushes/providers/{name}": value for name, value in values.items()})
    calls: Any = SimpleNamespace(send=None)
    auth = ProviderAuth(AccessTokens(calls.send), SimpleNamespace())  # type: ignore[arg-type]
    made = ProviderSecrets(
        client,  # type: ignore[arg-type]
        "rushes/providers",
        FixedCatalogs(CATALOG),
        auth,
    )
    return made, client


def job_of(provider: str) -> Job:
    return plain_job(provider=provider)


def test_find_returns_catalog_base_url_and_key_header():
    upstream = secrets_of(one='{"api_key": "sk-1"}')[0].find(job_of("one"))
    assert upstream.base_url == "https://one.example/v1"
    assert upstream.headers == {"authorization": "Bearer sk-1"}


def test_find_prefers_base_url_of_the_secret():
    made, _ = secrets_of(one='{"base_url": "https://mine.example/v1/"}')
    assert made.find(job_of("one")).base_url == "https://mine.example/v1"


@pytest.mark.parametrize("entry", [{}, {"api_key": None}, {"api_key": ""}, {"api_key": " "}])
def test_find_without_key_returns_no_headers(entry: dict[str, str]):
    assert secrets_of(one=json.dumps(entry))[0].find(job_of("one")).headers == {}


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "InvalidRequestException"])
def test_provider_without_a_secret_has_no_key(code: str):
    assert secrets_of(one=failed(code))[0].find(job_of("one")).headers == {}


def test_other_errors_of_aws_are_not_a_missing_secret():
    with pytest.raises(AwsUnavailable, match="AccessDenied"):
        secrets_of(one=failed("AccessDeniedException"))[0].find(job_of("one"))


def test_find_strips_whitespace_of_the_key():
    made, _ = secrets_of(one=json.dumps({"api_key": " sk-1\r\n"}))
    assert made.find(job_of("one")).headers == {"authorization": "Bearer sk-1"}


@pytest.mark.parametrize("provider", ["two", "three"])
def test_find_refuses_a_provider_without_base_url(provider: str):
    """Provider `three` is not in the catalog."""
    with pytest.raises(ProviderNotConfigured, match=provider):
        secrets_of()[0].find(job_of(provider))


@pytest.mark.parametrize(
    ("secret", "field"),
    [
        *((None, WHOLE), ("", WHOLE), ("sk-TELL", WHOLE), ("[]", WHOLE), ('"sk-TELL"', WHOLE)),
        *(('{"key": "sk-TELL"}', "key"), ('{"api_key": 5}', "api_key")),
        ('{"api_key": "sk-\\nTELL"}', "api_key"),
        ('{"api_key": "sk-TELLé"}', "api_key"),
    ],
)
def test_invalid_secret_error_names_the_field_not_the_value(secret: str | None, field: str):
    with pytest.raises(ProviderNotConfigured, match=f"'one' is invalid: {field}") as raised:
        secrets_of(one=secret)[0].find(job_of("one"))
    assert "TELL" not in repr(raised.value)
    assert raised.value.__cause__ is None


def test_each_provider_has_its_own_secret():
    made, client = secrets_of(one='{"api_key": "sk-1"}', two='{"base_url": "https://two.example"}')
    assert made.find(job_of("one")).headers == {"authorization": "Bearer sk-1"}
    assert made.find(job_of("two")).headers == {}
    assert client.requested == ["rushes/providers/one", "rushes/providers/two"]


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr("rushes.aws.secrets.time.monotonic", lambda: now[0])
    return now


def test_secret_is_read_again_after_the_cache_ttl(now: list[float]):
    made, client = secrets_of(one='{"api_key": "old"}')
    made.find(job_of("one"))
    client.values["rushes/providers/one"] = '{"api_key": "new"}'
    now[0] += secrets.CACHE_TTL
    assert made.find(job_of("one")).headers == {"authorization": "Bearer old"}
    now[0] += 1
    assert made.find(job_of("one")).headers == {"authorization": "Bearer new"}
    assert client.requested == ["rushes/providers/one"] * 2


def test_rejected_key_is_read_again_at_once_but_not_for_each_job(now: list[float]):
    made, client = secrets_of(one='{"api_key": "old"}')
    made.find(job_of("one"))
    made.key_rejected(job_of("one"))
    made.find(job_of("one"))
    assert len(client.requested) == 1
    now[0] += secrets.MIN_AGE + 1
    client.values["rushes/providers/one"] = '{"api_key": "new"}'
    made.key_rejected(job_of("two"))
    made.key_rejected(job_of("one"))
    assert made.find(job_of("one")).headers == {"authorization": "Bearer new"}
    assert len(client.requested) == 2
