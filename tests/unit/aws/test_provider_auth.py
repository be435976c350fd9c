from types import SimpleNamespace
from typing import Any

import pytest

from rushes.aws.provider_auth import ProviderAuth
from rushes.catalog.provider_config import ProviderEntry
from rushes.errors import ProviderNotConfigured
from rushes.ports.http import Upstream
from rushes.providers.credentials import AccessToken, ProviderCredential
from rushes.redaction import MARK, REDACTOR

BASE_URL = "https://us-central1-aiplatform.googleapis.com/v1/projects/{project}/models/"
TOKEN = AccessToken("ya29.access-token", variables={"project": "my-project"})


def upstream(
    entry: ProviderEntry, credential: ProviderCredential | None = None, token: AccessToken = TOKEN
) -> Upstream:
    tokens: Any = SimpleNamespace(get=lambda *_: token)
    signer: Any = SimpleNamespace(for_url=lambda url: lambda *_: {"signed-for": url})
    return ProviderAuth(tokens, signer).upstream("one", entry, credential or ProviderCredential())


def test_token_is_in_the_header_of_the_protocol_and_redacted():
    vertex = upstream(ProviderEntry(protocol="vertex", base_url="https://one.example"))
    assert vertex.headers == {"authorization": "Bearer ya29.access-token"}
    gemini = upstream(ProviderEntry(protocol="gemini", base_url="https://one.example"))
    assert gemini.headers == {"x-goog-api-key": "ya29.access-token"}
    assert REDACTOR.redact("key ya29.access-token") == f"key {MARK}"


def test_project_of_the_account_is_filled_into_the_base_url():
    made = upstream(ProviderEntry(protocol="vertex", base_url=BASE_URL))
    assert made.base_url == (
        "https://us-central1-aiplatform.googleapis.com/v1/projects/my-project/models"
    )


def test_base_url_of_the_secret_is_preferred():
    entry = ProviderEntry(protocol="vertex", base_url=BASE_URL)
    credential = ProviderCredential(base_url="https://other.example/{project}/")
    assert upstream(entry, credential).base_url == "https://other.example/my-project"


def test_placeholder_without_a_value_is_a_named_error():
    entry = ProviderEntry(protocol="vertex", base_url=BASE_URL)
    with pytest.raises(ProviderNotConfigured, match="'one': base_url has a placeholder"):
        upstream(entry, token=AccessToken("x"))


def test_missing_base_url_is_a_named_error():
    with pytest.raises(ProviderNotConfigured, match="'one' has no base_url"):
        upstream(ProviderEntry(protocol="vertex"))


def test_requests_by_the_role_are_signed_for_the_base_url():
    entry = ProviderEntry(
        protocol="bedrock", credential="aws_role", base_url="https://bedrock.example/"
    )
    made = upstream(entry)
    assert made.headers == {}
    assert made.sign
    assert made.sign("GET", "https://bedrock.example/x", b"") == {
        "signed-for": "https://bedrock.example"
    }
