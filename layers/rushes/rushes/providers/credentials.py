"""Credentials of providers: the secret's value, and the tokens that are made from it.

Pure: `http.access_tokens` caches the tokens and makes the request that Google's need.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from rushes.errors import (
    ProviderNotConfigured,
    UpstreamError,
    UpstreamRefused,
    UpstreamThrottled,
    UpstreamUnreachable,
)
from rushes.json_parser import MAX_REPLY_VALUES, parse_json
from rushes.ports.http import HttpCall, HttpReply
from rushes.providers import replies
from rushes.providers.jwt import hs256_token, rs256_token

HEADER_TEXT = StringConstraints(strip_whitespace=True, pattern=r"^[ -~]*$")
"""Printable ASCII; whitespace is stripped, because pasted keys often end with a newline."""
KLING_SECONDS = 1800.0
GOOGLE_SECONDS = 3600.0
"""Lifetimes of the tokens; Google's JWT may not be valid for longer."""
CLOCK_SKEW = 30.0
"""Seconds by which the clock of the function may be ahead of the provider's."""
GOOGLE_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
GOOGLE_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
GOOGLE_HOSTS = r"^https://(?:[a-z0-9-]+\.googleapis\.com|accounts\.google\.com)/[a-zA-Z0-9/_.-]*$"
GOOGLE_TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105 - a URL


class ProviderCredential(BaseModel):
    """The JSON value of a provider's secret. All members are optional."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    api_key: str | dict[str, Any] | None = Field(default=None, repr=False)
    """For `google_service_account` the key file, as JSON or its text."""
    access_key: Annotated[str, HEADER_TEXT] | None = Field(default=None, repr=False)
    secret_key: Annotated[str, HEADER_TEXT] | None = Field(default=None, repr=False)
    """For `kling_jwt`, which also takes both as `api_key` with a colon between them."""
    base_url: Annotated[str, HEADER_TEXT] | None = None


@dataclass(frozen=True)
class AccessToken:
    """A token for the authentication header; empty if the provider needs none."""

    value: str = field(default="", repr=False)
    expires_at: float = float("inf")
    """Seconds since 1970."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Values of placeholders in the provider's base URL."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """Further texts that no log line, error or response may contain."""


class ServiceAccount(BaseModel):
    """A key file of Google Cloud."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    client_email: Annotated[str, Field(min_length=1)]
    private_key: Annotated[str, Field(min_length=1, repr=False)]
    private_key_id: str | None = None
    project_id: Annotated[str, Field(pattern=r"^[a-z0-9.:_-]+$")] | None = None
    """Part of the provider's base URL."""
    token_uri: Annotated[str, Field(pattern=GOOGLE_HOSTS)] = GOOGLE_TOKEN_URI
    """On a host of Google: a key file from elsewhere must not choose whom the function calls."""


class _Grant(BaseModel):
    """Reply of the token endpoint."""

    model_config = ConfigDict(hide_input_in_errors=True)

    access_token: Annotated[str, Field(pattern=r"^[!-~]+$", max_length=8192)]
    expires_in: Annotated[float, Field(gt=0, le=24 * 3600, allow_inf_nan=False)] = GOOGLE_SECONDS


class _Refusal(BaseModel):
    error: str = ""
    error_description: str = ""


def bearer_token(provider: str, credential: ProviderCredential) -> AccessToken:
    """Return the API key itself."""
    if isinstance(credential.api_key, dict):
        raise _invalid(provider, "api_key", "must be a string")
    key = (credential.api_key or "").strip()
    if not (key.isascii() and key.isprintable()):
        raise _invalid(provider, "api_key", "must be printable ASCII")
    return AccessToken(key)


def kling_token(provider: str, credential: ProviderCredential, now: float) -> AccessToken:
    """Make a JWT from an access key and a secret key."""
    access_key, secret_key = credential.access_key, credential.secret_key
    if not access_key and not secret_key and isinstance(credential.api_key, str):
        access_key, _, secret_key = credential.api_key.strip().partition(":")
    if not access_key or not secret_key:
        raise _invalid(provider, "access_key and secret_key", "are required")
    claims = {
        "iss": access_key,
        "exp": int(now + KLING_SECONDS),
        "nbf": int(now - CLOCK_SKEW),
    }
    token = hs256_token(claims, secret_key)
    return AccessToken(token, expires_at=now + KLING_SECONDS, secrets=(secret_key,))


def service_account(provider: str, credential: ProviderCredential) -> ServiceAccount:
    """Read the key file.

    Raises
    ------
    ProviderNotConfigured
        If it is invalid; the message names the member and does not contain the value.
    """
    key = credential.api_key
    try:
        if isinstance(key, str):
            return ServiceAccount.model_validate_json(key)
        return ServiceAccount.model_validate(key or {})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        member = ".".join(str(step) for step in first["loc"]) or "not a JSON object"
        problem = "must be the key file (JSON) of a Google service account"
        raise _invalid(provider, "api_key", f"{problem}: {member}") from None


def google_token_call(provider: str, account: ServiceAccount, now: float) -> HttpCall:
    """Return the request for an access token, relative to the origin of `token_uri`."""
    issued = now - CLOCK_SKEW
    claims = {
        "iss": account.client_email,
        "scope": GOOGLE_SCOPE,
        "aud": account.token_uri,
        "iat": int(issued),
        "exp": int(issued + GOOGLE_SECONDS),
    }
    try:
        assertion = rs256_token(claims, account.private_key, account.private_key_id)
    except ValueError as error:
        raise _invalid(provider, "private_key", f"is {error}") from None
    path = "/" + account.token_uri.split("/", 3)[3]
    return HttpCall("POST", path, fields={"grant_type": GOOGLE_GRANT, "assertion": assertion})


def parse_google_token(
    provider: str, account: ServiceAccount, reply: HttpReply, now: float
) -> AccessToken:
    """Read the access token; its lifetime starts at `now`, whatever the clock of Google says.

    Raises
    ------
    UpstreamError
        Nothing was sent to the provider itself: the job's own call can be made later.
    """
    if reply.status in (400, 401, 403):
        raise UpstreamRefused(
            f"Google refused the service account of provider {provider!r}: {_reason(reply)}",
            code="upstream_unauthorized",
            key_rejected=True,
        )
    if reply.status == 429:
        raise UpstreamThrottled(
            "Google throttles requests for access tokens", wait_seconds=replies.retry_after(reply)
        )
    if reply.status != 200:
        raise no_token(provider, f"HTTP {reply.status}")
    try:
        grant = _Grant.model_validate(parse_json(reply.body, MAX_REPLY_VALUES))
    except ValueError:  # its message may contain the token
        raise no_token(provider, "the response has no access_token") from None
    return AccessToken(
        grant.access_token,
        expires_at=now + grant.expires_in,
        variables={"project": account.project_id} if account.project_id else {},
        secrets=(account.private_key,),
    )


def no_token(provider: str, reason: str) -> UpstreamError:
    """Return the error of a token endpoint that gave no answer."""
    return UpstreamUnreachable(f"no access token for provider {provider!r}: {reason}")


def _reason(reply: HttpReply) -> str:
    try:
        refusal = _Refusal.model_validate(parse_json(reply.body, MAX_REPLY_VALUES))
    except ValueError:
        return f"HTTP {reply.status}"
    reason = ": ".join(text for text in (refusal.error, refusal.error_description) if text)
    return reason[: replies.MAX_MESSAGE] or f"HTTP {reply.status}"


def _invalid(provider: str, field: str, problem: str) -> ProviderNotConfigured:
    return ProviderNotConfigured(
        f"the secret of provider {provider!r} is invalid: {field} {problem}"
    )
