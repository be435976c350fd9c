"""Errors of Kling. The code decides: HTTP 429 stands for rate limits and for empty accounts."""

from rushes.errors import UpstreamProtocolError
from rushes.ports.http import HttpReply
from rushes.providers import replies
from rushes.providers.error_codes import ErrorCodes, RaiseForStatus

CODES = ErrorCodes(
    statuses={
        **dict.fromkeys((1000, 1001, 1002, 1003, 1004), 401),
        1103: 403,
        **dict.fromkeys((1202, 1203), 404),
        **dict.fromkeys((1302, 1303), 429),
        5000: 500,
        5001: 503,
        5002: 504,
    },
    content_filtered=frozenset({1300, 1301}),
)
"""Other codes are refusals; the vendor data has those of the account and the model."""


class _Envelope(replies.Reply):
    code: int = 0
    message: str | None = None


def raise_for_error(reply: HttpReply, raise_for_status: RaiseForStatus) -> None:
    """Raise the error of a reply by its code, or by its HTTP status if it has none."""
    try:
        envelope = replies.read(reply, _Envelope)
    except UpstreamProtocolError:  # as from a proxy: the HTTP status is enough
        envelope = _Envelope()
    if envelope.code:
        CODES.raise_for_code(envelope.code, envelope.message, reply, raise_for_status)
    raise_for_status(reply)
