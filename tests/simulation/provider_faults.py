"""Provider faults by name, for the fault schedules."""

from rushes.errors import UpstreamNoResponse, UpstreamUnreachable
from rushes.ports.http import HttpReply

Fault = HttpReply | Exception
NOTHING_DONE: dict[str, Fault] = {
    "busy": HttpReply(429, {}, b"{}"),
    "busy with Retry-After": HttpReply(429, {"retry-after": "45"}, b"{}"),
    "key refused": HttpReply(401, {}, b'{"error": "who are you?"}'),
    "not paid": HttpReply(402, {}, b'{"error": "top up your balance"}'),
    "no quota": HttpReply(429, {}, b'{"error": {"code": "insufficient_quota"}}'),
    "locked": HttpReply(403, {}, b'{"detail": "User is locked"}'),
    "overloaded": HttpReply(503, {}, b'{"error": {"code": "overloaded"}}'),
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
REFUSALS: dict[str, Fault] = {
    "refused": HttpReply(400, {}, b'{"error": {"code": "bad_prompt", "message": "no"}}'),
    "filtered": HttpReply(400, {}, b'{"error": {"code": "content_filter", "message": "no"}}'),
    "model removed": HttpReply(404, {}, b'{"error": {"code": "model_not_found"}}'),
}
"""Refusals of a create call; a provider that has created the job does not send them."""
FAULTS: dict[str, Fault] = {
    **NOTHING_DONE,
    **UNSENT,
    **UNCLEAR,
    **{f"done, {name}": fault for name, fault in UNCLEAR.items()},
}
CREATE_FAULTS = (*FAULTS, *REFUSALS)
ODD_VIEWS: dict[str, dict[str, object]] = {
    "unknown status": {"status": "levitating"},
    "backwards": {"status": "queued", "progress": 0},
    "too much progress": {"progress": 1000},
}
POLL_FAULTS = (*NOTHING_DONE, *UNSENT, *UNCLEAR, *ODD_VIEWS, "not found")
CANCEL_FAULTS = (
    *NOTHING_DONE,
    *UNSENT,
    "unavailable",
    "silent",
    "garbage",
    "done, unavailable",
    "done, silent",
    "not found",
)
LOOKUP_FAULTS = (*NOTHING_DONE, *UNSENT, *UNCLEAR)
DOWNLOAD_FAULTS = ("link expired", "not ready", "HTML page", "nothing", "cut short", "breaks off")
EXPIRES, FAILS, STICKS = "expires", "fails", "sticks"
UNREADABLE = "unreadable"
"""Its file is an error page for some time after it is done."""
VIDEO_FAULTS = (EXPIRES, FAILS, STICKS, UNREADABLE)
UPSTREAM_OPERATIONS = frozenset({"create", "poll", "cancel", "lookup", "download", "video"})
