"""The log line of a request: who sent it, what it was, and how it ended."""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from aws_lambda_powertools import Logger

from rushes.api.auth import Identity
from rushes.api.log_events import REQUEST_COMPLETED
from rushes.dialects.base import HttpRequest, HttpResponse

MAX_USER_AGENT = 200
"""Characters."""
IDS: Mapping[str, re.Pattern[str]] = {
    "job_id": re.compile(r"(job_[0-9a-f]{32})(?::[a-z0-9-]{1,40})?"),
    "endpoint_id": re.compile(r"(we_[0-9a-f]{24})"),
    "message_id": re.compile(
        r"(evt_(?:(?:job_(?:test_)?[0-9a-f]{20,32}|we_[0-9a-f]{24})_[a-z]{1,20}(?:_[0-9]{1,12})?"
        r"|test_[0-9a-f]{1,64}))"
    ),
}
"""Forms of the ids in URLs, without the provider that Bifrost appends. A client may send anything
else, such as its API key, which is not logged."""

logger = Logger(service="rushes", child=True)


@dataclass
class RequestLog:
    """`identity` is None until the request is authenticated."""

    request: HttpRequest
    identity: Identity | None = None
    clock: Callable[[], float] = time.monotonic
    begun: float = field(init=False)

    def __post_init__(self) -> None:
        self.begun = self.clock()

    def completed(self, response: HttpResponse, api: str, verb: str) -> None:
        """Log the request; `api` is the dialect, or `webhooks`."""
        identity = self.identity
        logger.info(
            REQUEST_COMPLETED,
            dialect=api,
            verb=verb,
            **ids_of(self.request.variables),
            status=response.status,
            account=identity and identity.account,
            key_id=identity and identity.key_id,
            source_ip=self.request.source_ip,
            user_agent=self.request.headers.get("user-agent", "")[:MAX_USER_AGENT],
            request_id=self.request.request_id,
            latency_ms=round((self.clock() - self.begun) * 1000),
        )


def ids_of(variables: Mapping[str, str]) -> dict[str, Any]:
    """Return the well-formed ids among a URL's variables."""
    matches = {name: form.fullmatch(unquote(variables.get(name, ""))) for name, form in IDS.items()}
    return {name: match[1] for name, match in matches.items() if match}
