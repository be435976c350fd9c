"""Provider faults by name, for the fault schedules."""

from rushes.errors import UpstreamNoResponse, UpstreamUnreachable
from rushes.ports.http import HttpReply

Fault = HttpReply | Exception
NOTHING_DONE: dict[str, Fault] = {
    "busy": HttpReply(429, {}, b"{}"),
    "busy with Retry-After": HttpReply(429, {"retry-after": "45"}, b"{}"),
    "key refused": HttpReply(401, {}, b'{"error": "who are you?"}'),
}
"""Responses that guarantee that the provider did nothing."""
UNCLEAR: dict[str, Fault] = {
    "unavailable": HttpReply(503, {}, b"<html>bad gateway</html>"),
    "garbage": HttpReply(200, {}, b"<html>welcome</html>"),
    "empty": HttpReply(200, {}, b""),
    "silent": UpstreamNoResponse("no answer"),
}
"""Responses without that guarantee. The prefix `done` means that the call was executed."""
UNSENT: dict[str, Fault] = {"unreachable": UpstreamUnreachable("refused")}
FAULTS: dict[str, Fault] = {
    **NOTHING_DONE,
    **UNSENT,
    **UNCLEAR,
    **{f"done, {name}": fault for name, fault in UNCLEAR.items()},
}
CREATE_FAULTS = (*FAULTS, "refused")
ODD_VIEWS: dict[str, dict[str, object]] = {
    "unknown status": {"status": "dreaming"},
    "backwards": {"status": "queued", "progress": 0},
    "too much progress": {"progress": 1000},
}
POLL_FAULTS = (*NOTHING_DONE, *UNSENT, *UNCLEAR, *ODD_VIEWS, "not found")
CANCEL_FAULTS = (
    *NOTHING_DONE,
    *UNSENT,
    "unavailable",
    "silent",
    "done, unavailable",
    "done, silent",
    "not found",
)
"""No invalid responses: the core trusts the provider's confirmation of a cancel."""
LOOKUP_FAULTS = (*NOTHING_DONE, *UNSENT, *UNCLEAR)
DOWNLOAD_FAULTS = ("link expired", "HTML page", "nothing", "cut short", "breaks off")
EXPIRES, FAILS, STICKS = "expires", "fails", "sticks"
VIDEO_FAULTS = (EXPIRES, FAILS, STICKS)
UPSTREAM_OPERATIONS = frozenset({"create", "poll", "cancel", "lookup", "download", "video"})
