"""Secrets Manager adapter: base URLs and API keys of the providers.

The provider secret is a JSON object: provider name → {"api_key": …, "base_url": …}. Both are
optional; a `base_url` in the secret overrides the catalog's.
"""

import time
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, RootModel, StringConstraints, ValidationError

from rushes.aws.errors import translate_aws_errors
from rushes.catalog.models import Catalog
from rushes.catalog.provider_config import ProviderEntry
from rushes.errors import ProviderNotConfigured
from rushes.ports.http import Upstream
from rushes.providers import adapter
from rushes.redaction import REDACTOR

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

CACHE_TTL = 60.0
"""Seconds."""
HEADER_TEXT = StringConstraints(strip_whitespace=True, pattern=r"^[ -~]*$")
"""Printable ASCII; whitespace is stripped, because pasted keys often end with a newline."""


class Credential(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    api_key: Annotated[str, HEADER_TEXT] | None = None
    base_url: Annotated[str, HEADER_TEXT] | None = None


class _Secret(RootModel[dict[str, Credential]]):
    model_config = ConfigDict(hide_input_in_errors=True)


class ProviderSecret:
    def __init__(self, client: "SecretsManagerClient", arn: str, catalog: Catalog) -> None:
        self._client = client
        self._arn = arn
        self._catalog = catalog
        self._credentials: dict[str, Credential] = {}
        self._read_at = float("-inf")

    def find(self, provider: str) -> Upstream:
        """Return a provider's base URL and authentication headers; redact its key from now on.

        Raises
        ------
        ProviderNotConfigured
            If neither the catalog nor the secret has its base URL.
        """
        entry = self._catalog.providers.get(provider)
        if entry is None:
            raise ProviderNotConfigured(f"provider {provider!r} is no longer in the catalog")
        credential = self._credential(provider)
        base_url = credential.base_url or entry.base_url
        if not base_url:
            raise ProviderNotConfigured(
                f"provider {provider!r} has no base_url, neither in the catalog nor in the secret"
            )
        headers = _headers(entry, credential)
        REDACTOR.remember_headers(headers)
        return Upstream(base_url.rstrip("/"), headers)

    def _credential(self, provider: str) -> Credential:
        if time.monotonic() - self._read_at > CACHE_TTL:
            self._credentials = self._read()
            self._read_at = time.monotonic()
        return self._credentials.get(provider, Credential())

    def _read(self) -> dict[str, Credential]:
        with translate_aws_errors():
            text = self._client.get_secret_value(SecretId=self._arn).get("SecretString", "")
        try:
            return _Secret.model_validate_json(text).root
        except ValidationError as error:
            field = ".".join(str(part) for part in error.errors()[0]["loc"]) or "not a JSON object"
            raise ProviderNotConfigured(f"the provider secret is invalid: {field}") from None


def _headers(entry: ProviderEntry, credential: Credential) -> dict[str, str]:
    profile = adapter(entry).profile
    if not credential.api_key:
        return {}
    return {profile.key_header: f"{profile.key_scheme} {credential.api_key}".strip()}
