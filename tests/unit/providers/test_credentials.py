import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from rushes.errors import (
    ProviderNotConfigured,
    UpstreamError,
    UpstreamRefused,
    UpstreamThrottled,
    UpstreamUnreachable,
)
from rushes.ports.http import HttpReply
from rushes.providers.credentials import (
    CLOCK_SKEW,
    GOOGLE_SCOPE,
    GOOGLE_SECONDS,
    GOOGLE_TOKEN_URI,
    KLING_SECONDS,
    ProviderCredential,
    ServiceAccount,
    bearer_token,
    google_token_call,
    kling_token,
    parse_google_token,
    service_account,
)
from tests.unit.providers.job import json_reply

NOW = 1_800_000_000.0
PRIVATE_KEY = (
    rsa.generate_private_key(65537, 2048)
    .private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    .decode()
)
KEY_FILE = {
    "type": "service_account",
    "project_id": "my-project",
    "private_key_id": "key-1",
    "private_key": PRIVATE_KEY,
    "client_email": "rushes@my-project.iam.gserviceaccount.com",
    "token_uri": GOOGLE_TOKEN_URI,
}
ACCOUNT = ServiceAccount.model_validate(KEY_FILE)


def claims_of(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


def test_bearer_token_is_the_key_without_whitespace():
    assert bearer_token("one", ProviderCredential(api_key=" sk-1\r\n")).value == "sk-1"
    assert bearer_token("one", ProviderCredential()).value == ""


@pytest.mark.parametrize("key", ["sk-\nTELL", "sk-TELLé", {"key": "TELL"}])
def test_bearer_token_refuses_what_is_no_header_text(key: str | dict[str, str]):
    with pytest.raises(ProviderNotConfigured, match="'one' is invalid: api_key must be") as raised:
        bearer_token("one", ProviderCredential(api_key=key))
    assert "TELL" not in str(raised.value)


@pytest.mark.parametrize(
    "credential",
    [
        ProviderCredential(access_key="ak", secret_key="secret"),
        ProviderCredential(api_key="ak:secret\n"),
    ],
)
def test_kling_token_is_valid_for_30_minutes_and_before_a_slow_clock(
    credential: ProviderCredential,
):
    token = kling_token("kling", credential, NOW)
    assert token.expires_at == NOW + KLING_SECONDS
    assert token.secrets == ("secret",)
    assert claims_of(token.value) == {
        "iss": "ak",
        "exp": NOW + KLING_SECONDS,
        "nbf": NOW - CLOCK_SKEW,
    }


@pytest.mark.parametrize(
    "credential",
    [
        ProviderCredential(),
        ProviderCredential(api_key="TELL"),
        ProviderCredential(api_key=":TELL"),
        ProviderCredential(api_key="TELL:"),
        ProviderCredential(access_key="TELL"),
        ProviderCredential(secret_key="TELL"),
        ProviderCredential(api_key={"access_key": "TELL"}),
    ],
)
def test_kling_token_requires_both_keys(credential: ProviderCredential):
    with pytest.raises(ProviderNotConfigured, match="access_key and secret_key") as raised:
        kling_token("kling", credential, NOW)
    assert "TELL" not in str(raised.value)


FOREIGN_TOKEN_URIS = (
    "https://oauth2.example",
    "https://oauth2.example/token",
    "http://oauth2.googleapis.com/token",
    "http://169.254.169.254/latest/meta-data",
    "https://127.0.0.1/token",
    "https://oauth2.googleapis.com@evil.example/token",
    "https://oauth2.googleapis.com:444/token",
    "https://evil.example/.googleapis.com/token",
    "https://evilgoogleapis.com/token",
    "https://oauth2.googleapis.com.evil.example/token",
    "https://oauth2.googleapis.com/token\n",
)


@pytest.mark.parametrize("key", [KEY_FILE, json.dumps(KEY_FILE), json.dumps(KEY_FILE, indent=2)])
def test_service_account_is_read_from_json_or_its_text(key: str | dict[str, Any]):
    assert service_account("vertex", ProviderCredential(api_key=key)) == ACCOUNT


@pytest.mark.parametrize(
    ("key", "member"),
    [
        (None, "client_email"),
        ("", "not a JSON object"),
        ("TELL", "not a JSON object"),
        ("[]", "not a JSON object"),
        ({"type": "authorized_user", "refresh_token": "TELL"}, "client_email"),
        ({**KEY_FILE, "private_key": ""}, "private_key"),
        ({**KEY_FILE, "token_uri": "TELL"}, "token_uri"),
        *(({**KEY_FILE, "token_uri": uri}, "token_uri") for uri in FOREIGN_TOKEN_URIS),
        *(({**KEY_FILE, "project_id": name}, "project_id") for name in ("a/b", "x@y.example", "")),
    ],
)
def test_invalid_key_file_is_named_by_its_member_and_not_quoted(
    key: str | dict[str, Any] | None, member: str
):
    with pytest.raises(ProviderNotConfigured, match=f"service account: {member}$") as raised:
        service_account("vertex", ProviderCredential(api_key=key))
    assert "TELL" not in repr(raised.value)
    assert raised.value.__cause__ is None


def test_private_key_of_another_kind_is_a_named_error():
    account = ACCOUNT.model_copy(update={"private_key": "TELL"})
    with pytest.raises(ProviderNotConfigured, match="private_key is not an unencrypted") as raised:
        google_token_call("vertex", account, NOW)
    assert "TELL" not in repr(raised.value)


def test_secrets_are_not_in_representations():
    credential = ProviderCredential(api_key="TELL", access_key="TELL", secret_key="TELL")
    account = ACCOUNT.model_copy(update={"private_key": "TELL"})
    token = kling_token("kling", ProviderCredential(api_key="a:TELL"), NOW)
    call = google_token_call("vertex", ACCOUNT, NOW)
    assertion = (call.fields or {})["assertion"]
    for value in (credential, account, token, call):
        assert "TELL" not in repr(value)
        assert assertion not in repr(value)


def test_google_token_call_asserts_the_account_for_at_most_an_hour():
    call = google_token_call("vertex", ACCOUNT, NOW)
    assert (call.method, call.path) == ("POST", "/token")
    assert call.fields
    assert call.fields["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    assert claims_of(call.fields["assertion"]) == {
        "iss": ACCOUNT.client_email,
        "scope": GOOGLE_SCOPE,
        "aud": GOOGLE_TOKEN_URI,
        "iat": NOW - CLOCK_SKEW,
        "exp": NOW - CLOCK_SKEW + GOOGLE_SECONDS,
    }


def test_google_token_expires_by_our_clock():
    grant = {"access_token": "ya29.token", "expires_in": 3599, "token_type": "Bearer"}
    reply = json_reply(grant, date="Thu, 01 Jan 1970 00:00:00 GMT")
    token = parse_google_token("vertex", ACCOUNT, reply, NOW)
    assert (token.value, token.expires_at) == ("ya29.token", NOW + 3599)
    assert token.variables == {"project": "my-project"}
    assert token.secrets == (PRIVATE_KEY,)


def test_refused_service_account_is_a_rejected_key_with_the_reason_of_google():
    body = {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}
    with pytest.raises(UpstreamRefused, match="invalid_grant: Invalid JWT Signature") as raised:
        parse_google_token("vertex", ACCOUNT, json_reply(body, 400), NOW)
    assert raised.value.key_rejected
    assert raised.value.error_code == "upstream_unauthorized"


def test_throttled_token_request_keeps_the_requested_delay():
    with pytest.raises(UpstreamThrottled) as raised:
        parse_google_token("vertex", ACCOUNT, json_reply({}, 429, retry_after="7"), NOW)
    assert raised.value.wait_seconds == 7


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<html>"),
        (200, b"{}"),
        (200, b'{"access_token": "two words"}'),
        (200, b'{"access_token": "x", "expires_in": 0}'),
        (200, b'{"access_token": "x", "expires_in": 1e999}'),
        (302, b""),
        (500, b"{}"),
        (503, b""),
    ],
)
def test_token_endpoint_without_a_token_counts_as_unreachable(status: int, body: bytes):
    """Nothing was sent to the provider: a create call is safe to repeat."""
    with pytest.raises(UpstreamUnreachable, match="no access token for provider 'vertex'"):
        parse_google_token("vertex", ACCOUNT, HttpReply(status, {}, body), NOW)


@given(status=st.integers(100, 599), body=st.binary(max_size=60))
def test_any_reply_of_the_token_endpoint_is_a_token_or_an_upstream_error(
    status: int, body: bytes
) -> None:
    try:
        parse_google_token("vertex", ACCOUNT, HttpReply(status, {}, body), NOW)
    except UpstreamError as error:
        assert len(error.message) < 1000  # noqa: PT017 - a token is as valid
