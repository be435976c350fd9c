"""What an account can do with its endpoints and with what signs its messages."""

import secrets as randomness
from dataclasses import dataclass
from typing import Any

from rushes.api.webhooks.event_types import check_format, read_types
from rushes.api.webhooks.schemas import LONGEST_ID, EndpointChanges, NewEndpoint, Page, Rotation
from rushes.errors import InvalidRequest, NotFound, UnknownCursor
from rushes.ports import Clock, UrlPolicy
from rushes.webhooks import signature
from rushes.webhooks.endpoint import HEALTHY, Endpoint, RequestSecrets, Secret
from rushes.webhooks.ports import Endpoints

MOST_ENDPOINTS = 100
MOST_OLD_SECRETS = 10
OVERLAP_SECONDS = 24 * 3600.0
BY_OWNER = "owner"


@dataclass(frozen=True)
class EndpointService:
    endpoints: Endpoints
    check_url: UrlPolicy
    clock: Clock

    def create(self, account: str, asked: NewEndpoint) -> Endpoint:
        """A new endpoint; everything is checked before anything is stored."""
        form, event_types = read_types(asked.event_types, asked.format)
        secret = _secret(asked.signing_secret)
        self.check_url(asked.url, "url")
        if len(self.endpoints.all(account)) >= MOST_ENDPOINTS:
            raise InvalidRequest(
                f"an account has at most {MOST_ENDPOINTS} webhook endpoints",
                code="too_many_endpoints",
            )
        now = self.clock()
        endpoint = Endpoint(
            id=f"we_{randomness.token_hex(12)}",
            account=account,
            url=asked.url,
            description=asked.name,
            event_types=event_types,
            format=form,
            secrets=(secret,),
            created_at=now,
            updated_at=now,
        )
        self.endpoints.add(endpoint)
        return endpoint

    def get(self, account: str, endpoint_id: str) -> Endpoint:
        is_id = len(endpoint_id) <= LONGEST_ID
        endpoint = self.endpoints.get(account, endpoint_id) if is_id else None
        if endpoint is None:
            raise NotFound(
                f"there is no webhook endpoint {endpoint_id[:80]}", param="webhook_endpoint_id"
            )
        return endpoint

    def page(self, account: str, page: Page) -> tuple[list[Endpoint], bool]:
        """Endpoints, newest first, and whether there are more behind them."""
        found = sorted(
            self.endpoints.all(account), key=lambda it: (it.created_at, it.id), reverse=True
        )
        if page.after is not None:
            ids = [endpoint.id for endpoint in found]
            if page.after not in ids:
                raise UnknownCursor("after is no id of a webhook endpoint", param="after")
            found = found[ids.index(page.after) + 1 :]
        return found[: page.limit], len(found) > page.limit

    def update(self, account: str, endpoint_id: str, asked: EndpointChanges) -> Endpoint:
        self.get(account, endpoint_id)
        if asked.url is not None:
            self.check_url(asked.url, "url")
        return self.endpoints.change(account, endpoint_id, lambda it: self._changed(it, asked))

    def delete(self, account: str, endpoint_id: str) -> None:
        self.get(account, endpoint_id)
        self.endpoints.delete(account, endpoint_id)

    def rotate(self, account: str, endpoint_id: str, asked: Rotation) -> Endpoint:
        self.get(account, endpoint_id)
        new, now = _secret(asked.signing_secret), self.clock()

        def rotated(endpoint: Endpoint) -> Endpoint:
            return endpoint.step(now, secrets=_rotated(endpoint.secrets, new, now, asked))

        return self.endpoints.change(account, endpoint_id, rotated)

    def request_secrets(self, account: str) -> RequestSecrets:
        return self.endpoints.request_secrets(account)

    def rotate_request_secrets(self, account: str, asked: Rotation) -> RequestSecrets:
        self.endpoints.request_secrets(account)
        new, now = _secret(asked.signing_secret), self.clock()

        def rotated(kept: RequestSecrets) -> RequestSecrets:
            secrets = _rotated(kept.secrets, new, now, asked)
            return kept.model_copy(update={"secrets": secrets, "version": kept.version + 1})

        return self.endpoints.change_request_secrets(account, rotated)

    def _changed(self, endpoint: Endpoint, asked: EndpointChanges) -> Endpoint:
        changes: dict[str, Any] = {}
        if asked.event_types is not None:
            form, event_types = read_types(asked.event_types, asked.format or endpoint.format)
            changes |= {"format": form, "event_types": event_types}
        elif asked.format is not None:
            check_format(endpoint, asked.format)
            changes["format"] = asked.format
        if asked.url not in (None, endpoint.url):
            changes |= {"url": asked.url, **HEALTHY}
        if asked.name is not None:
            changes["description"] = asked.name
        changes = {name: it for name, it in changes.items() if getattr(endpoint, name) != it}
        changed = endpoint.step(self.clock(), **changes) if changes else endpoint
        return self._switched(changed, asked.status)

    def _switched(self, endpoint: Endpoint, status: str | None) -> Endpoint:
        if status is None or status == endpoint.status.value:
            return endpoint
        now = self.clock()
        return endpoint.enabled(now) if status == "enabled" else endpoint.disabled(now, BY_OWNER)


def _secret(given: str | None) -> Secret:
    if given is None:
        return Secret(value=signature.new_secret())
    try:
        signature.check_secret(given)
    except InvalidRequest as refused:
        raise InvalidRequest(
            f"signing_secret: {refused.message}", param="signing_secret"
        ) from refused
    return Secret(value=given)


def _rotated(
    secrets: tuple[Secret, ...], new: Secret, now: float, asked: Rotation
) -> tuple[Secret, ...]:
    """The new one first; the old ones go on signing for a day, or no more at all.

    None of them stops before it was said to: receivers rely on it.
    """
    if not asked.keep_old_secret_active_for_24_hours:
        return (new,)
    ends = now + OVERLAP_SECONDS
    kept = [
        it.model_copy(update={"expires_at": min(it.expires_at or ends, ends)})
        for it in secrets
        if it.expires_at is None or it.expires_at > now
    ]
    if len(kept) > MOST_OLD_SECRETS:
        raise InvalidRequest(
            f"{MOST_OLD_SECRETS} old secrets sign already: wait, or end them all by leaving out"
            " keep_old_secret_active_for_24_hours",
            param="keep_old_secret_active_for_24_hours",
            code="too_many_secrets",
        )
    return (new, *kept)
