"""Authentication of provider calls, by the `credential` of the provider."""

from dataclasses import dataclass
from typing import Protocol

from rushes.aws.sigv4 import RoleSigner
from rushes.catalog.provider_config import ProviderEntry
from rushes.errors import ProviderNotConfigured
from rushes.ports.http import Upstream
from rushes.providers import adapter
from rushes.providers.credentials import AccessToken, ProviderCredential
from rushes.redaction import REDACTOR


class Tokens(Protocol):
    """Access tokens by provider; `http.access_tokens` implements it."""

    def get(
        self, provider: str, entry: ProviderEntry, credential: ProviderCredential
    ) -> AccessToken: ...
    def forget(self, provider: str) -> None: ...


@dataclass(frozen=True)
class ProviderAuth:
    tokens: Tokens
    signer: RoleSigner

    def upstream(
        self, provider: str, entry: ProviderEntry, credential: ProviderCredential
    ) -> Upstream:
        """Return a provider's base URL and authentication; redact its secrets from now on.

        A `base_url` of the credential overrides the catalog's. `{project}` in it is the project of
        the service account.

        Raises
        ------
        ProviderNotConfigured
            If the provider has no base URL, or an invalid credential.
        """
        template = credential.base_url or entry.base_url
        if not template:
            raise ProviderNotConfigured(
                f"provider {provider!r} has no base_url, neither in the catalog nor in the secret"
            )
        token = self.tokens.get(provider, entry, credential)
        base_url = _filled(provider, template, token).rstrip("/")
        if entry.credential == "aws_role":
            return Upstream(base_url, {}, self.signer.for_url(base_url))
        headers = _headers(entry, token)
        REDACTOR.remember_headers(headers)
        return Upstream(base_url, headers)


def _filled(provider: str, template: str, token: AccessToken) -> str:
    for name, value in token.variables.items():
        template = template.replace(f"{{{name}}}", value)
    if "{" in template:
        raise ProviderNotConfigured(
            f"provider {provider!r}: base_url has a placeholder without a value: {template}"
        )
    return template


def _headers(entry: ProviderEntry, token: AccessToken) -> dict[str, str]:
    if not token.value:
        return {}
    profile = adapter(entry).profile
    return {profile.key_header: f"{profile.key_scheme} {token.value}".strip()}
