"""Error codes of a vendor that decide what a reply means, whatever its HTTP status is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from rushes.errors import UpstreamRefused
from rushes.jobs.result import FILTERED
from rushes.ports.http import HttpReply
from rushes.providers import replies

REFUSED = 400
RaiseForStatus = Callable[[HttpReply], None]


@dataclass(frozen=True)
class ErrorCodes:
    """`statuses` has the HTTP status of the same meaning by code; all other codes are refusals."""

    statuses: Mapping[int, int] = field(default_factory=dict)
    content_filtered: frozenset[int] = frozenset()

    def raise_for_code(
        self, code: int, message: str | None, reply: HttpReply, raise_for_status: RaiseForStatus
    ) -> None:
        """Raise the error of a reply with this code."""
        text = (message or replies.NO_REASON)[: replies.MAX_MESSAGE]
        if code in self.content_filtered:
            raise UpstreamRefused(text, code=FILTERED, upstream_code=str(code))
        if status := self.statuses.get(code):
            raise_for_status(HttpReply(status, reply.headers, reply.body))
        raise UpstreamRefused(f"the provider refused the request: {text}", upstream_code=str(code))
