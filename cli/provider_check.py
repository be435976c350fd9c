"""Check a provider's stored key with the operator's own AWS credentials."""

from types import SimpleNamespace
from typing import Any

from cli.target import Target
from rushes.aws.provider_auth import ProviderAuth
from rushes.aws.secrets import ProviderSecrets
from rushes.aws.sigv4 import RoleSigner
from rushes.catalog.models import Catalog
from rushes.http.access_tokens import AccessTokens
from rushes.http.client import SafeHttpClient
from rushes.ports.http import Upstream
from rushes.ports.provider_checks import KeyCheck
from rushes.workflow import provider_check


def check_key(target: Target, catalog: Catalog, provider: str) -> KeyCheck:
    client = http_client(target)
    return provider_check.check_key(
        lambda: find_upstream(target, client, catalog, provider), client, catalog, provider
    )


def http_client(target: Target) -> SafeHttpClient:
    blobs: Any = SimpleNamespace()  # a poll sends no file
    return SafeHttpClient(blobs, local_mode=target.is_local)


def find_upstream(
    target: Target, client: SafeHttpClient, catalog: Catalog, provider: str
) -> Upstream:
    session = target.session
    auth = ProviderAuth(
        AccessTokens(client.send), RoleSigner(session.get_credentials, session.region_name or "")
    )
    catalogs: Any = None  # no job is looked up
    secrets = ProviderSecrets(target.client("secretsmanager"), target.secrets, catalogs, auth)
    return secrets.upstream(provider, catalog.providers[provider])
