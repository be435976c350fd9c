"""Ask a provider whether it accepts the stored key, by a request that bills nothing.

The request is a poll of a job that does not exist.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from rushes.catalog.models import Catalog
from rushes.errors import ProviderNotConfigured, RushesError, UpstreamError, UpstreamJobNotFound
from rushes.ports.http import HttpClient, HttpReply, Upstream
from rushes.ports.provider_checks import KeyCheck
from rushes.providers import adapter
from rushes.providers.base import Provider

UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"
BEDROCK_REGION = re.compile(r"bedrock-runtime\.([a-z0-9-]+)\.")
PARTITIONS = {"us-gov-": "aws-us-gov", "cn-": "aws-cn"}
"""AWS partitions by the beginning of their regions; the others are in `aws`."""
REJECTED_KEYS = (b"API_KEY_INVALID", b"UNAUTHENTICATED", b"api key not valid")
"""Texts in replies with status 400 of providers that answer so to an invalid key."""


def check_key(
    find_upstream: Callable[[], Upstream], client: HttpClient, catalog: Catalog, provider: str
) -> KeyCheck:
    """Send the request; `find_upstream` reads the provider's URL and key."""
    try:
        upstream = find_upstream()
        protocol, operation = adapter(catalog.providers[provider]), unknown_job(catalog, provider)
        reply = client.send(upstream, protocol.poll_request(operation))
        is_error = reply.status >= 300
        found = check_status(reply) if is_error else _of_reply(protocol, operation, reply)
        has_key = bool(upstream.headers) or upstream.sign is not None
        return found if has_key else replace(found, reason=f"{found.reason}; no key is stored")
    except ProviderNotConfigured as error:
        return KeyCheck("rejected", error.message)
    except RushesError as error:
        refused = getattr(error, "key_rejected", False)
        return KeyCheck("rejected" if refused else "unclear", error.message)


def check_status(reply: HttpReply) -> KeyCheck:
    answer = f"HTTP {reply.status}"
    if reply.status in (401, 403):
        return KeyCheck("rejected", answer)
    if reply.status < 500 and any(text in reply.body for text in REJECTED_KEYS):
        return KeyCheck("rejected", answer)
    if reply.status < 400 or reply.status == 429 or reply.status >= 500:
        return KeyCheck("unclear", answer)  # a redirect is of another service than the provider's
    return KeyCheck("accepted", f"{answer} for a job that does not exist")


def unknown_job(catalog: Catalog, provider: str) -> dict[str, Any]:
    """Return the handle of a job that does not exist, with the members of every protocol."""
    own = [model.model_at_provider for model in catalog.models if model.provider == provider]
    model = own[0] if own else "unknown"
    queue = f"/{model}/requests/{UNKNOWN_ID}"
    paths = {
        "fal": f"{queue}/status",
        "pipelet": f"{queue}/status",
        "kling": "/v1/videos/text2video",
        "kling_v1": "/v1/videos/text2video",
        "tiyaro": f"/v1/async/status/{UNKNOWN_ID}",
    }
    path = paths.get(catalog.providers[provider].protocol, f"/{UNKNOWN_ID}")
    return {
        "id": UNKNOWN_ID,
        "name": f"operations/{UNKNOWN_ID}",
        "arn": _unknown_arn(catalog.providers[provider].base_url or ""),
        "model": model,
        "path": path,
        "status": path,
        "result": queue,
        "cancel": f"{queue}/cancel",
    }


def _unknown_arn(base_url: str) -> str:
    """Return the ARN of an invocation that does not exist, in the region of a URL of Bedrock."""
    found = BEDROCK_REGION.search(base_url)
    region = found[1] if found else "us-east-1"
    named = (name for begin, name in PARTITIONS.items() if region.startswith(begin))
    partition = next(named, "aws")
    return f"arn:{partition}:bedrock:{region}:000000000000:async-invoke/{UNKNOWN_ID[:12]}"


def _of_reply(provider: Provider, operation: dict[str, Any], reply: HttpReply) -> KeyCheck:
    """Check a reply with status 200, which may have an error in its body."""
    answer = f"HTTP {reply.status}"
    try:
        provider.parse_poll(operation, reply)
    except UpstreamError as error:
        if error.key_rejected or error.error_code == "upstream_unauthorized":
            return KeyCheck("rejected", f"{answer}: {error.message}")
        if not isinstance(error, UpstreamJobNotFound):
            return KeyCheck("unclear", f"{answer}: {error.message}")
    return KeyCheck("accepted", f"{answer} for a job that does not exist")
