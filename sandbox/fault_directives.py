"""Fault directives: names in square brackets, anywhere in a prompt, that inject an error.

``N`` is a whole number; a directive without its number uses the default of the table. Brackets
around any other text belong to the prompt.
"""

import re
from typing import Final, NamedTuple

UNKNOWN_STATUS: Final = "melting"


class Directive(NamedTuple):
    default: int
    """Number of a directive written without one; unused by directives without a number."""
    effect: str


DIRECTIVES: Final = {
    "refuse": Directive(1, "create returns 400 content_policy_violation"),
    "401": Directive(1, "the first N creates of this exact prompt return 401"),
    "429": Directive(1, "the first N creates of this exact prompt return 429, Retry-After: 1"),
    "retry-after": Directive(0, "a 429 or 503 has Retry-After: N; 0 omits the header"),
    "500": Directive(1, "the first N creates of this exact prompt return 500 and create no job"),
    "503": Directive(1, "the first N creates of this exact prompt return 503"),
    "hang-create": Directive(120, "create starts the job and responds after N seconds"),
    "made-500": Directive(1, "the first N creates of this prompt start a job and return 500"),
    "made-reset": Directive(1, "the first N creates start a job, then reset the connection"),
    "made-cut": Directive(1, "the first N creates start a job and send half of the response"),
    "hide": Directive(5, "lists omit the job for its first N seconds"),
    "queue": Directive(5, "the job stays queued for N seconds"),
    "slow": Directive(5, "the job stays in_progress for at least N seconds"),
    "filter": Directive(1, "the job runs, then fails with content_filter"),
    "fail": Directive(1, "the job runs, then fails with internal_error"),
    "poll-503": Directive(1, "the first N polls of the job return 503"),
    "unknown-status": Directive(1, f"polls return the status {UNKNOWN_STATUS!r}"),
    "lose": Directive(1, "polls return 404"),
    "html": Directive(1, "content returns 200 with an HTML page"),
    "empty": Directive(1, "content returns 200 with no bytes"),
    "truncate": Directive(1, "content declares its full length and closes half-way"),
    "drop": Directive(1, "the first N content responses close half-way"),
    "no-range": Directive(1, "content ignores the Range header"),
    "too-long": Directive(1, "content declares N bytes too many, then closes"),
    "drip": Directive(5, "content takes N seconds to send"),
    "gcs": Directive(1, "Vertex returns a gs:// URI instead of the video"),
    "big": Directive(100, "content is a playable MP4 padded to N MiB"),
    "expire": Directive(1, "plain output links return 403 after N seconds"),
    "expired": Directive(1, "the first N requests of a plain output link return 403"),
}

_BRACKETS = re.compile(r"\[([a-z0-9-]+)(?:=(\d{1,6}))?\]")


def read_directives(prompt: str) -> dict[str, int]:
    """Return every directive of the prompt with its number."""
    return {
        name: int(number) if number else DIRECTIVES[name].default
        for name, number in _BRACKETS.findall(prompt)
        if name in DIRECTIVES
    }


def without_directives(prompt: str) -> str:
    """Remove every directive from the prompt; other brackets stay."""
    text = _BRACKETS.sub(lambda match: "" if match[1] in DIRECTIVES else match[0], prompt)
    return " ".join(text.split())
