"""The log lines of a request: who sent it, what it was, and how it ended."""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from aws_lambda_powertools import Logger

from rushes.api.auth import Identity
from rushes.api.log_events import REQUEST_COMPLETED, REQUEST_FAILED
from rushes.dialects.base import HttpRequest, HttpResponse
from rushes.errors import CorruptConfig, RushesError
from rushes.metrics import Measure, Metric, count, record

MAX_USER_AGENT = 200
MAX_CLIENT_REQUEST_ID = 128
"""Characters."""
UNSAFE = re.compile(r"[^A-Za-z0-9._:/+=@-]")
"""Characters of a client's request id that are replaced by an underscore."""
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
    """`identity` is None until the request is authenticated.

    `job_id` is set for a request that creates a job: the URL of the others has the id.
    """

    request: HttpRequest
    identity: Identity | None = None
    job_id: str | None = None
    clock: Callable[[], float] = time.monotonic
    begun: float = field(init=False)

    def __post_init__(self) -> None:
        self.begun = self.clock()

    def completed(self, response: HttpResponse, api: str, verb: str) -> None:
        """Log and count the request; `api` is the dialect, or `webhooks`."""
        fields = self.ids()
        logger.info(
            REQUEST_COMPLETED,
            **fields,
            dialect=api,
            verb=verb,
            status=response.status,
            key_id=self.identity and self.identity.key_id,
            source_ip=self.request.source_ip,
            user_agent=self.request.headers.get("user-agent", "")[:MAX_USER_AGENT],
            latency_ms=round((self.clock() - self.begun) * 1000),
        )
        status = f"{response.status // 100}xx"
        record(Measure.API_REQUESTS, 1, {"api": api, "status": status}, fields)

    def failed(self, error: RushesError) -> None:
        logger.error(REQUEST_FAILED, **self.ids(), reason=error.message)

    def public(self, error: RushesError) -> RushesError:
        """Return the error for the client; the message of a server error is logged and hidden."""
        if error.http_status < 500:
            return error
        self.failed(error)
        if isinstance(error, CorruptConfig):  # a model that another release published
            count(Metric.CONFIG_NOT_READABLE)
        return type(error)(error.public_message)

    def ids(self) -> dict[str, Any]:
        """Return the ids in each log line and metric about the request."""
        created = {"job_id": self.job_id} if self.job_id else {}
        return {
            **ids_of(self.request.variables),
            **created,
            "account": self.identity.account if self.identity else None,
            "request_id": self.request.request_id,
            "client_request_id": client_request_id(self.request.headers),
        }


def client_request_id(headers: Mapping[str, str]) -> str | None:
    """Return the client's own `x-request-id`, bounded; the response has API Gateway's."""
    value = headers.get("x-request-id", "")[:MAX_CLIENT_REQUEST_ID]
    return UNSAFE.sub("_", value) or None


def ids_of(variables: Mapping[str, str]) -> dict[str, Any]:
    """Return the well-formed ids among a URL's variables."""
    matches = {name: form.fullmatch(unquote(variables.get(name, ""))) for name, form in IDS.items()}
    return {name: match[1] for name, match in matches.items() if match}
