"""Secrets of the providers: each provider has its own, so that no write touches another's."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from cli.errors import CommandError
from rushes.aws.secrets import parse_credential, read_secret
from rushes.catalog.provider_config import ProviderEntry
from rushes.errors import ProviderNotConfigured
from rushes.providers.credentials import bearer_token, kling_token, service_account

SHORT_KEY = 8
"""Shorter keys are not redacted in logs."""
MAX_KEY = 16_384
"""Characters; the key file of a service account has 2,400."""


@dataclass(frozen=True)
class KeyStore:
    client: Any
    prefix: str

    def set_key(self, provider: str, key: str | None, base_url: str | None = None) -> bool:
        """Store the key and the base URL that are given; return whether the secret is new.

        None leaves the stored value, an empty base URL removes it.
        """
        text = read_secret(self.client, self._name(provider))
        value = _stored(provider, text)
        if key is not None:
            value = {field: value[field] for field in ("base_url",) if field in value}
            value["api_key"] = key
        if base_url is not None:
            value["base_url"] = base_url
        content = json.dumps({field: given for field, given in value.items() if given})
        parse_credential(provider, content)
        self._write(provider, content)
        return text is None

    def get_key(self, provider: str) -> str | None:
        """Return the stored key."""
        return self._text(provider, "api_key")

    def get_base_url(self, provider: str) -> str | None:
        """Return the stored base URL, which overrides that of the configuration."""
        return self._text(provider, "base_url")

    def changed_at(self, provider: str) -> datetime | None:
        """Return the time of the last change of the provider's secret, or None without one."""
        found = self._described(provider)
        if found is None or found.get("DeletedDate"):
            return None
        changed: datetime | None = found.get("LastChangedDate") or found.get("CreatedDate")
        return changed

    def _text(self, provider: str, field: str) -> str | None:
        value = _stored(provider, read_secret(self.client, self._name(provider))).get(field)
        return value if isinstance(value, str) else None

    def _described(self, provider: str) -> Mapping[str, Any] | None:
        """Return the metadata of a secret; None if it does not exist."""
        try:
            found: Mapping[str, Any] = self.client.describe_secret(SecretId=self._name(provider))
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            return None
        return found

    def _write(self, provider: str, content: str) -> None:
        name, found = self._name(provider), self._described(provider)
        if found is None:
            description = f"Credential of provider {provider}; set by `rushes provider set-key`."
            self.client.create_secret(Name=name, Description=description, SecretString=content)
            return
        if found.get("DeletedDate"):
            self.client.restore_secret(SecretId=name)
        self.client.put_secret_value(SecretId=name, SecretString=content)

    def _name(self, provider: str) -> str:
        return f"{self.prefix}/{provider}"


def _stored(provider: str, text: str | None) -> dict[str, Any]:
    """Return the stored value; an invalid one, edited by hand, is replaced."""
    if text is None:
        return {}
    try:
        credential = parse_credential(provider, text)
    except ProviderNotConfigured:
        return {}
    return credential.model_dump(exclude_none=True)


def validate_key(provider: str, entry: ProviderEntry | None, key: str) -> None:
    """Refuse a key that the provider's kind of credential cannot use; no message quotes it."""
    if not key:
        raise CommandError("the key is empty")
    if len(key) > MAX_KEY:  # an error of AWS could quote it
        raise CommandError(f"the key has more than {MAX_KEY} characters")
    content = json.dumps({"api_key": key})
    credential = parse_credential(provider, content)
    match entry.credential if entry else "bearer":
        case "kling_jwt":
            kling_token(provider, credential, 0.0)
        case "google_service_account":
            service_account(provider, credential)
        case "aws_role":
            raise CommandError(
                f"provider {provider} takes no key: the functions' role signs its requests"
            )
        case _ if entry:
            bearer_token(provider, credential)
        case _:
            pass
