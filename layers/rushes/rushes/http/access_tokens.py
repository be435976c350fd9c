"""Access tokens of providers: made from the secret, cached, and renewed before they expire."""

import hashlib
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from rushes.catalog.provider_config import ProviderEntry
from rushes.errors import UpstreamNoResponse, UpstreamProtocolError, UpstreamUnreachable
from rushes.ports.http import HttpCall, HttpReply, Upstream
from rushes.providers import credentials
from rushes.providers.credentials import AccessToken, ProviderCredential
from rushes.redaction import REDACTOR

RENEWAL_SECONDS = 300.0
"""Before its expiry a token is replaced: the calls that use it take up to 85 seconds each."""
MAX_RENEWAL_SHARE = 0.5
"""Of the lifetime of a token that is valid for less than ten minutes."""

Send = Callable[[Upstream, HttpCall], HttpReply]


class AccessTokens:
    """Tokens by provider. Another value of the secret replaces the provider's token."""

    def __init__(self, send: Send, clock: Callable[[], float] = time.time) -> None:
        self._send = send
        self._clock = clock
        self._tokens: dict[str, tuple[str, float, AccessToken]] = {}
        """Digest of the secret, time of the renewal, and token."""

    def get(
        self, provider: str, entry: ProviderEntry, credential: ProviderCredential
    ) -> AccessToken:
        """Return a valid token; its secrets are redacted from now on.

        Raises
        ------
        ProviderNotConfigured
            If the secret is invalid for the provider's `credential`.
        UpstreamError
            If the token endpoint gave none. Nothing was sent to the provider.
        """
        token = self._valid(provider, entry, credential)
        REDACTOR.remember(*token.secrets, token.value)
        return token

    def forget(self, provider: str) -> None:
        """Make a new token at the next call, as the provider rejected this one."""
        self._tokens.pop(provider, None)

    def _valid(
        self, provider: str, entry: ProviderEntry, credential: ProviderCredential
    ) -> AccessToken:
        content = f"{entry.credential}\n{credential.model_dump_json()}"
        digest = hashlib.sha256(content.encode()).hexdigest()
        known = self._tokens.get(provider)
        if known and known[0] == digest and self._clock() < known[1]:
            return known[2]
        begun = self._clock()
        token = self._make(provider, entry, credential, begun)
        lifetime = token.expires_at - begun
        renewal = token.expires_at - min(RENEWAL_SECONDS, MAX_RENEWAL_SHARE * lifetime)
        self._tokens[provider] = digest, renewal, token
        return token

    def _make(
        self, provider: str, entry: ProviderEntry, credential: ProviderCredential, now: float
    ) -> AccessToken:
        match entry.credential:
            case "bearer":
                return credentials.bearer_token(provider, credential)
            case "kling_jwt":
                return credentials.kling_token(provider, credential, now)
            case "google_service_account":
                return self._google(provider, credential, now)
            case "aws_role":
                return AccessToken()

    def _google(self, provider: str, credential: ProviderCredential, now: float) -> AccessToken:
        account = credentials.service_account(provider, credential)
        call = credentials.google_token_call(provider, account, now)
        REDACTOR.remember(account.private_key, (call.fields or {})["assertion"])
        parts = urlsplit(account.token_uri)
        endpoint = Upstream(f"{parts.scheme}://{parts.netloc}", {})
        try:
            reply = self._send(endpoint, call)
        except (UpstreamUnreachable, UpstreamNoResponse, UpstreamProtocolError) as error:
            raise credentials.no_token(provider, error.message) from error
        return credentials.parse_google_token(provider, account, reply, now)
