"""What can be wrong with a provider, by names that a fate may choose from."""

from rushes.errors import UpstreamNoResponse, UpstreamUnreachable
from rushes.ports import HttpReply

Trouble = HttpReply | Exception
NOTHING_DONE: dict[str, Trouble] = {
    "busy": HttpReply(429, {}, b"{}"),
    "busy for a while": HttpReply(429, {"retry-after": "45"}, b"{}"),
    "key refused": HttpReply(401, {}, b'{"error": "who are you?"}'),
}
"""Troubles in which a provider says clearly that it has done nothing."""
UNCLEAR: dict[str, Trouble] = {
    "unavailable": HttpReply(503, {}, b"<html>bad gateway</html>"),
    "garbage": HttpReply(200, {}, b"<html>welcome</html>"),
    "empty": HttpReply(200, {}, b""),
    "silent": UpstreamNoResponse("no answer"),
}
"""Troubles in which nobody can tell; `done` is put before them where it was done all the same."""
UNSENT: dict[str, Trouble] = {"unreachable": UpstreamUnreachable("refused")}
TROUBLES: dict[str, Trouble] = {
    **NOTHING_DONE,
    **UNSENT,
    **UNCLEAR,
    **{f"done, {name}": it for name, it in UNCLEAR.items()},
}
CREATE_TROUBLES = (*TROUBLES, "refused")
ODD_LOOKS: dict[str, dict[str, object]] = {
    "unknown status": {"status": "dreaming"},
    "backwards": {"status": "queued", "progress": 0},
    "too much progress": {"progress": 1000},
}
LOOK_TROUBLES = (*NOTHING_DONE, *UNSENT, *UNCLEAR, *ODD_LOOKS, "not found")
STOP_TROUBLES = (
    *NOTHING_DONE,
    *UNSENT,
    "unavailable",
    "silent",
    "done, unavailable",
    "done, silent",
    "not found",
)
"""Who says yes has stopped: in that word it must be trusted."""
FIND_TROUBLES = (*NOTHING_DONE, *UNSENT, *UNCLEAR)
FILE_TROUBLES = ("link expired", "page", "nothing", "cut short", "breaks off")
FORGETS, FAILS, STICKS = "forgets", "fails", "sticks"
FATES_OF_FILMS = (FORGETS, FAILS, STICKS)
UPSTREAM = frozenset({"create", "look", "stop", "find", "download", "film"})
"""What a provider is asked, as its fate is asked of it."""
