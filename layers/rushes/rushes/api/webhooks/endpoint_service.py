"""Manage an account's webhook endpoints and signing secrets."""

import secrets as randomness
from dataclasses import dataclass
from typing import Any

from rushes.api.webhooks.event_types import ensure_supported, read_event_types
from rushes.api.webhooks.schemas import MAX_ID, EndpointChanges, NewEndpoint, Page, Rotation
from rushes.errors import InvalidRequest, NotFound, UnknownCursor
from rushes.ports import Clock
from rushes.ports.http import UrlPolicy
from rushes.webhooks import signature
from rushes.webhooks.endpoint import HEALTHY, MAX_ENDPOINTS, Endpoint, RequestSecrets, Secret
from rushes.webhooks.ports import EndpointRepository
from rushes.webhooks.signing_secrets import SigningSecrets

MAX_OLD_SECRETS = 10
OVERLAP_SECONDS = 24 * 3600.0
BY_OWNER = "owner"


@dataclass(frozen=True)
class EndpointService:
    endpoints: EndpointRepository
    signing_secrets: SigningSecrets
    validate_url: UrlPolicy
    clock: Clock

    def create(self, account: str, body: NewEndpoint) -> Endpoint:
        format_name, event_types = read_event_types(body.event_types, body.format)
        value = _secret(body.signing_secret)
        self.validate_url(body.url, "url")
        now, name = self.clock(), f"we_{randomness.token_hex(12)}"
        endpoint = Endpoint(
            id=name,
            account=account,
            url=body.url,
            description=body.name,
            event_types=event_types,
            format=format_name,
            secrets=(self.signing_secrets.encrypt(value, account, name),),
            created_at=now,
            updated_at=now,
        )
        if not self.endpoints.add(endpoint):
            raise InvalidRequest(
                f"the account already has {MAX_ENDPOINTS} webhook endpoints, the maximum",
                code="too_many_endpoints",
            )
        return endpoint

    def get(self, account: str, endpoint_id: str) -> Endpoint:
        is_id = len(endpoint_id) <= MAX_ID
        endpoint = self.endpoints.get(account, endpoint_id) if is_id else None
        if endpoint is None:
            message = f"unknown webhook endpoint: {endpoint_id[:80]}"
            raise NotFound(message, param="webhook_endpoint_id")
        return endpoint

    def page(self, account: str, page: Page) -> tuple[list[Endpoint], bool]:
        """Return endpoints, newest first, and whether more follow."""
        endpoints = list(self.endpoints.all(account))
        endpoints.sort(key=lambda endpoint: (endpoint.created_at, endpoint.id), reverse=True)
        if page.after is not None:
            ids = [endpoint.id for endpoint in endpoints]
            if page.after not in ids:
                raise UnknownCursor("after: unknown cursor", param="after")
            endpoints = endpoints[ids.index(page.after) + 1 :]
        return endpoints[: page.limit], len(endpoints) > page.limit

    def update(self, account: str, endpoint_id: str, body: EndpointChanges) -> Endpoint:
        self.get(account, endpoint_id)
        if body.url is not None:
            self.validate_url(body.url, "url")
        return self.endpoints.change(account, endpoint_id, lambda old: self._changed(old, body))

    def delete(self, account: str, endpoint_id: str) -> None:
        self.get(account, endpoint_id)
        self.endpoints.delete(account, endpoint_id)

    def rotate(self, account: str, endpoint_id: str, body: Rotation) -> Endpoint:
        self.get(account, endpoint_id)
        value, now = _secret(body.signing_secret), self.clock()
        new = self.signing_secrets.encrypt(value, account, endpoint_id)

        def rotated(endpoint: Endpoint) -> Endpoint:
            return endpoint.updated(now, secrets=_rotated(endpoint.secrets, new, now, body))

        return self.endpoints.change(account, endpoint_id, rotated)

    def rotate_request_secrets(self, account: str, body: Rotation) -> RequestSecrets:
        value, now = _secret(body.signing_secret), self.clock()
        self.signing_secrets.of_requests(account)
        new = self.signing_secrets.encrypt(value, account)

        def rotated(stored: RequestSecrets) -> RequestSecrets:
            secrets = _rotated(stored.secrets, new, now, body)
            return stored.model_copy(update={"secrets": secrets, "version": stored.version + 1})

        return self.endpoints.change_request_secrets(account, rotated)

    def _changed(self, endpoint: Endpoint, body: EndpointChanges) -> Endpoint:
        changes: dict[str, Any] = {}
        if body.event_types is not None:
            format_name, types = read_event_types(body.event_types, body.format or endpoint.format)
            changes |= {"format": format_name, "event_types": types}
        elif body.format is not None:
            ensure_supported(endpoint, body.format)
            changes["format"] = body.format
        if body.url not in (None, endpoint.url):
            changes |= {"url": body.url, **HEALTHY}
        if body.name is not None:
            changes["description"] = body.name
        now = self.clock()
        changes = {name: new for name, new in changes.items() if getattr(endpoint, name) != new}
        changed = endpoint.updated(now, **changes) if changes else endpoint
        if body.status in (None, changed.status.value):
            return changed
        return changed.enabled(now) if body.status == "enabled" else changed.disabled(now, BY_OWNER)


def _secret(value: str | None) -> str:
    """Validate the client's secret, or generate one."""
    if value is None:
        return signature.new_secret()
    try:
        signature.validate_secret(value)
    except InvalidRequest as error:
        raise InvalidRequest(f"signing_{error.message}", param="signing_secret") from error
    return value


def _rotated(
    secrets: tuple[Secret, ...], new: Secret, now: float, body: Rotation
) -> tuple[Secret, ...]:
    """Put the new secret first and let the old ones expire in a day, or at once.

    No secret expires before its scheduled time, because receivers rely on it.
    """
    if not body.keep_old_secret_active_for_24_hours:
        return (new,)
    end = now + OVERLAP_SECONDS
    old = [
        secret.model_copy(update={"expires_at": min(secret.expires_at or end, end)})
        for secret in secrets
        if secret.expires_at is None or secret.expires_at > now
    ]
    if len(old) > MAX_OLD_SECRETS:
        raise InvalidRequest(
            f"{MAX_OLD_SECRETS} old secrets are active, the maximum; wait, or omit"
            " keep_old_secret_active_for_24_hours to expire all of them",
            param="keep_old_secret_active_for_24_hours",
            code="too_many_secrets",
        )
    return (new, *old)
