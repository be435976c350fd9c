"""Secrets Manager adapter: API keys and base URLs of the providers.

Each provider has its own secret, `<prefix>/<provider>`: a JSON object {"api_key": …,
"base_url": …}. Both are optional; a `base_url` in the secret overrides the catalog's. Other kinds
of credentials have further members, see `providers.credentials`.
"""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError
from pydantic import ValidationError

from rushes.aws.errors import translate_aws_errors
from rushes.aws.provider_auth import ProviderAuth
from rushes.catalog.provider_config import ProviderEntry
from rushes.catalog.source import CatalogSource, find_provider
from rushes.errors import ProviderNotConfigured
from rushes.jobs.job import Job
from rushes.ports.http import Upstream
from rushes.providers.credentials import ProviderCredential

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

CACHE_TTL = 60.0
"""Seconds."""
MIN_AGE = 5.0
"""Seconds after which a rejected key is read again: many jobs may be rejected at once."""
ABSENT = frozenset({"ResourceNotFoundException", "InvalidRequestException"})
"""Codes of a secret that does not exist, and of one that is scheduled for deletion."""


@dataclass(frozen=True)
class _Cached:
    credential: ProviderCredential
    read_at: float


class ProviderSecrets:
    """`prefix`: of the secrets' names, without a final slash."""

    def __init__(
        self,
        client: "SecretsManagerClient",
        prefix: str,
        catalogs: CatalogSource,
        auth: ProviderAuth,
    ) -> None:
        self._client = client
        self._prefix = prefix
        self._catalogs = catalogs
        self._auth = auth
        self._cache: dict[str, _Cached] = {}

    def find(self, job: Job) -> Upstream:
        """Return the base URL and the authentication headers of the job's provider.

        Raises
        ------
        ProviderNotConfigured
            If the catalog has no such provider, or neither it nor the secret has its base URL.
        """
        return self.upstream(job.provider, find_provider(self._catalogs, job))

    def key_rejected(self, job: Job) -> None:
        """Read the key again at the next call, as it may have been renewed."""
        cached = self._cache.get(job.provider)
        if cached and time.monotonic() - cached.read_at > MIN_AGE:
            del self._cache[job.provider]
            self._auth.tokens.forget(job.provider)

    def upstream(self, provider: str, entry: ProviderEntry) -> Upstream:
        """Return the upstream of a provider; redact its secrets from now on."""
        return self._auth.upstream(provider, entry, self._credential(provider))

    def _credential(self, provider: str) -> ProviderCredential:
        cached, now = self._cache.get(provider), time.monotonic()
        if cached is None or now - cached.read_at > CACHE_TTL:
            cached = _Cached(self._read(provider), now)
            self._cache[provider] = cached
        return cached.credential

    def _read(self, provider: str) -> ProviderCredential:
        text = read_secret(self._client, f"{self._prefix}/{provider}")
        return ProviderCredential() if text is None else parse_credential(provider, text)


def read_secret(client: "SecretsManagerClient", name: str) -> str | None:
    """Return the text of a secret, or None if it does not exist."""
    with translate_aws_errors():
        try:
            return client.get_secret_value(SecretId=name).get("SecretString", "")
        except ClientError as error:
            if error.response["Error"]["Code"] not in ABSENT:
                raise
            return None


def parse_credential(provider: str, text: str) -> ProviderCredential:
    """Validate the text of a secret; the error names the field, never the value."""
    try:
        return ProviderCredential.model_validate_json(text)
    except ValidationError as error:
        field = ".".join(map(str, error.errors()[0]["loc"][:1])) or "not a JSON object"
        raise ProviderNotConfigured(
            f"the secret of provider {provider!r} is invalid: {field}"
        ) from None
