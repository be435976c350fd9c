"""Words in square brackets, anywhere in a prompt, that make the sandbox misbehave on purpose.

``N`` is a whole number; a word that takes one and comes without it uses the default of the table.
Brackets around any other words are plain prompt text.
"""

import re
from typing import Final, NamedTuple

UNKNOWN_STATUS: Final = "melting"


class Directive(NamedTuple):
    default: int
    """The number of a word that comes without one; for words that take none it has no meaning."""
    effect: str


DIRECTIVES: Final = {
    "refuse": Directive(1, "create is refused: 400 content_policy_violation"),
    "401": Directive(1, "the first N creates of this exact prompt answer 401"),
    "429": Directive(1, "the first N creates of this exact prompt answer 429, Retry-After: 1"),
    "retry-after": Directive(0, "a 429 or 503 says Retry-After: N, or with 0 says nothing of it"),
    "500": Directive(1, "the first N creates of this exact prompt answer 500 and make no job"),
    "503": Directive(1, "the first N creates of this exact prompt answer 503"),
    "hang-create": Directive(120, "the job is made, but create answers only after N seconds"),
    "made-500": Directive(1, "the first N creates of this exact prompt make a job and answer 500"),
    "made-reset": Directive(1, "the first N creates make a job, then the connection is reset"),
    "made-cut": Directive(1, "the first N creates make a job, and half of the answer is sent"),
    "hide": Directive(5, "lists do not show the job in its first N seconds"),
    "queue": Directive(5, "stays queued for N seconds"),
    "slow": Directive(5, "stays in_progress for at least N seconds"),
    "filter": Directive(1, "runs, then fails with content_filter"),
    "fail": Directive(1, "runs, then fails with internal_error"),
    "poll-503": Directive(1, "the first N polls of the job answer 503"),
    "unknown-status": Directive(1, f"polls show the status {UNKNOWN_STATUS!r}"),
    "lose": Directive(1, "polls answer 404"),
    "html": Directive(1, "content answers 200 with an HTML page"),
    "empty": Directive(1, "content answers 200 with no bytes"),
    "truncate": Directive(1, "content announces its full length and closes half-way"),
    "drop": Directive(1, "the first N answers of content close half-way through what they send"),
    "no-range": Directive(1, "content answers whole, whatever range is asked for"),
    "too-long": Directive(1, "content announces N bytes more than there are, and closes"),
    "drip": Directive(5, "content takes N seconds to come"),
    "gcs": Directive(1, "Vertex keeps the film in a Google bucket"),
    "big": Directive(100, "content is a playable MP4 padded to N MiB"),
    "expire": Directive(1, "plain links to outputs answer 403 after N seconds"),
    "expired": Directive(1, "the first N fetches of a plain link to an output answer 403"),
}

_BRACKETS = re.compile(r"\[([a-z0-9-]+)(?:=(\d{1,6}))?\]")


def read_directives(prompt: str) -> dict[str, int]:
    """Every directive of the prompt with its number."""
    found = {}
    for word, number in _BRACKETS.findall(prompt):
        if word in DIRECTIVES:
            found[word] = int(number) if number else DIRECTIVES[word].default
    return found
