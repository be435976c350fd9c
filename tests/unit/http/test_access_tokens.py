import json
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from rushes.catalog.provider_config import ProviderEntry
from rushes.errors import (
    ProviderNotConfigured,
    UpstreamError,
    UpstreamNoResponse,
    UpstreamProtocolError,
    UpstreamRefused,
    UpstreamUnreachable,
)
from rushes.http.access_tokens import RENEWAL_SECONDS, AccessTokens
from rushes.ports.http import HttpCall, HttpReply, Upstream
from rushes.providers.credentials import KLING_SECONDS, ProviderCredential
from rushes.redaction import MARK, REDACTOR
from tests.fakes import FakeClock
from tests.unit.providers.test_credentials import KEY_FILE, PRIVATE_KEY

VERTEX = ProviderEntry(protocol="vertex", credential="google_service_account")
KLING = ProviderEntry(protocol="fal", credential="kling_jwt")
ACCOUNT = ProviderCredential(api_key=KEY_FILE)
KLING_KEYS = ProviderCredential(access_key="ak", secret_key="kling-secret")


@dataclass
class Google:
    """Token endpoint: returns another token for each call, or raises."""

    lifetime: float = 3600
    error: Exception | None = None
    status: int = 200
    calls: list[tuple[Upstream, HttpCall]] = field(default_factory=list)

    def send(self, upstream: Upstream, call: HttpCall) -> HttpReply:
        self.calls.append((upstream, call))
        if self.error:
            raise self.error
        body = {"access_token": f"ya29.number-{len(self.calls)}", "expires_in": self.lifetime}
        return HttpReply(self.status, {}, json.dumps(body).encode())


@pytest.fixture
def google() -> Google:
    return Google()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def vertex(google: Google, clock: FakeClock) -> Callable[..., str]:
    tokens = AccessTokens(google.send, clock)
    return lambda credential=ACCOUNT: tokens.get("vertex", VERTEX, credential).value


def test_token_is_requested_from_the_account_s_endpoint_without_a_key(
    vertex: Callable[..., str], google: Google
):
    assert vertex() == "ya29.number-1"
    ((upstream, call),) = google.calls
    assert upstream == Upstream("https://oauth2.googleapis.com", {})
    assert call.path == "/token"


def test_token_is_reused_until_five_minutes_before_its_expiry(
    vertex: Callable[..., str], clock: FakeClock
):
    vertex()
    clock.advance(3600 - RENEWAL_SECONDS - 1)
    assert vertex() == "ya29.number-1"
    clock.advance(1)
    assert vertex() == "ya29.number-2"
    clock.advance(3600 - RENEWAL_SECONDS - 1)
    assert vertex() == "ya29.number-2"


def test_short_token_is_used_for_half_of_its_lifetime(
    vertex: Callable[..., str], google: Google, clock: FakeClock
):
    google.lifetime = 60
    vertex()
    clock.advance(29)
    assert vertex() == "ya29.number-1"
    clock.advance(1)
    assert vertex() == "ya29.number-2"


def test_renewal_that_fails_is_tried_again(
    vertex: Callable[..., str], google: Google, clock: FakeClock
):
    vertex()
    clock.advance(3600)
    google.error = UpstreamUnreachable("oauth2.googleapis.com cannot be reached")
    with pytest.raises(UpstreamUnreachable):
        vertex()
    google.error = None
    assert vertex() == "ya29.number-3"


def test_changed_secret_replaces_the_token(vertex: Callable[..., str]):
    assert vertex() == "ya29.number-1"
    other = ProviderCredential(api_key={**KEY_FILE, "private_key_id": "key-2"})
    assert vertex(other) == "ya29.number-2"


def test_forgotten_token_is_replaced(google: Google, clock: FakeClock):
    tokens = AccessTokens(google.send, clock)
    for _ in range(2):
        tokens.get("vertex", VERTEX, ACCOUNT)
    tokens.forget("vertex")
    tokens.forget("other")
    assert tokens.get("vertex", VERTEX, ACCOUNT).value == "ya29.number-2"


def test_each_provider_has_its_own_token(google: Google, clock: FakeClock):
    tokens = AccessTokens(google.send, clock)
    values = [tokens.get(name, VERTEX, ACCOUNT).value for name in ("one", "two", "one")]
    assert values == ["ya29.number-1", "ya29.number-2", "ya29.number-1"]


@pytest.mark.parametrize("error", [UpstreamNoResponse, UpstreamUnreachable, UpstreamProtocolError])
def test_token_endpoint_without_a_response_counts_as_unreachable(
    vertex: Callable[..., str], google: Google, error: type[UpstreamError]
):
    """With a lost token request, no create call was sent: its outcome is not unknown."""
    google.error = error("no response from oauth2.googleapis.com")
    with pytest.raises(UpstreamUnreachable, match="no access token for provider 'vertex'"):
        vertex()


def test_refusal_is_a_rejected_key(vertex: Callable[..., str], google: Google):
    google.status = 401
    with pytest.raises(UpstreamRefused) as raised:
        vertex()
    assert raised.value.key_rejected


def test_token_private_key_and_assertion_are_redacted(vertex: Callable[..., str], google: Google):
    text = f"{vertex()} {PRIVATE_KEY} {google.calls[0][1].fields}"
    redacted = REDACTOR.redact(text)
    assert redacted.count(MARK) == 3
    assert "ya29.number" not in redacted
    assert PRIVATE_KEY.splitlines()[1] not in redacted


def test_kling_token_is_made_without_a_request_and_renewed(google: Google, clock: FakeClock):
    tokens = AccessTokens(google.send, clock)
    first = tokens.get("kling", KLING, KLING_KEYS)
    clock.advance(KLING_SECONDS - RENEWAL_SECONDS - 1)
    assert tokens.get("kling", KLING, KLING_KEYS) is first
    clock.advance(1)
    assert tokens.get("kling", KLING, KLING_KEYS).value != first.value
    assert google.calls == []
    assert REDACTOR.redact(f"{first.value} kling-secret") == f"{MARK} {MARK}"


def test_role_has_no_token(google: Google):
    entry = ProviderEntry(protocol="bedrock", credential="aws_role")
    assert AccessTokens(google.send).get("bedrock", entry, ProviderCredential()).value == ""


def test_invalid_secret_is_reported_at_each_call(vertex: Callable[..., str], google: Google):
    for _ in range(2):
        with pytest.raises(ProviderNotConfigured, match="secret of provider 'vertex' is invalid"):
            vertex(ProviderCredential(api_key="not a key file"))
    assert google.calls == []
