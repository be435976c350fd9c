"""Records the answers of the api function, and compares them with the golden files.

A case is a request with its response and with what it changed in the stores. Bodies are kept byte
for byte, except for three things that `normalised` takes out:

- Error sentences. A string under one of `SENTENCE_KEYS` that is free text becomes `<sentence>`.
  Codes (no space in them), the texts in `KEPT_TEXTS` (the tests' own, and other vendors' literal
  ones) and those that match `KEPT_PATTERN` (progress lines) stay.
- Signatures of a body that has such a sentence (see `hide_signature`).
- The provider of sample events. `"provider": "studio"` or `"sandbox"` becomes
  `<sample provider>`. The tests' own catalog has neither.
"""

import base64
import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).parent / "golden"
Case = dict[str, Any]

SENTENCE_KEYS = (
    "message",
    "detail",
    "msg",
    "error",
    "reason",
    "payload_error",
    "detail_message",
)
UPSTREAM_SENTENCE = "Upstream says: it could not be made."
FILTER_SENTENCE = "Upstream says: the filter refused it."
WARNING = "Upstream says: the seed was ignored."
KEPT_TEXTS = (
    UPSTREAM_SENTENCE,
    FILTER_SENTENCE,
    WARNING,
    "Request is still in progress",
    "Job completed successfully",
)
KEPT_PATTERN = re.compile(r"\d+ % done|Progress: \d+/100 Tasks done")
SENTENCE = re.compile(rf'("(?:{"|".join(SENTENCE_KEYS)})"\s*:\s*)"((?:[^"\\]|\\.)*)"')
SAMPLE_PROVIDER = re.compile(r'("provider"\s*:\s*)"(?:studio|sandbox)"')
LONGEST_BODY = 4000
"""Characters of a request's body that are recorded; a longer one is described."""


def normalised(body: str) -> str:
    """The body without what may be reworded."""
    return SAMPLE_PROVIDER.sub(r'\1"<sample provider>"', SENTENCE.sub(_without_sentence, body))


def _without_sentence(match: re.Match[str]) -> str:
    text = match[2]
    kept = " " not in text or text in KEPT_TEXTS or KEPT_PATTERN.fullmatch(text)
    return match[0] if kept else f'{match[1]}"<sentence>"'


def hide_signature(body: str, headers: Mapping[str, str]) -> dict[str, str]:
    """Headers of a webhook, without signatures where rewording the body's sentence changes them."""
    shown = dict(headers)
    if normalised(body) != body:
        signatures = shown["webhook-signature"].split()
        shown["webhook-signature"] = " ".join("v1,<signature>" for _ in signatures)
    return shown


def shown_body(body: bytes | None) -> str | None:
    """A request's body as text; base64 where it is none, a description where it is too long."""
    if body is None:
        return None
    if len(body) > LONGEST_BODY:
        return f"<{len(body)} bytes>"
    try:
        return body.decode()
    except UnicodeDecodeError:
        return "base64:" + base64.b64encode(body).decode()


class Recorder:
    """The cases of one golden file."""

    def __init__(self) -> None:
        self.cases: dict[str, Case] = {}

    def add(self, name: str, request: Mapping[str, Any], response: Mapping[str, Any]) -> None:
        assert name not in self.cases, f"there are two cases named {name}"
        body = normalised(response["body"])
        self.cases[name] = {
            "name": name,
            "request": dict(request),
            "response": {**response, "body": body},
        }


def golden_path(group: str) -> Path:
    return GOLDEN / f"{group}.json"


@cache
def read_golden(group: str) -> dict[str, Case]:
    """The golden cases of a group by name; none where there is no file."""
    path = golden_path(group)
    cases = json.loads(path.read_text("utf-8")) if path.exists() else []
    return {case["name"]: case for case in cases}


def write_golden(group: str, cases: Mapping[str, Case]) -> None:
    ordered = [cases[name] for name in sorted(cases)]
    text = json.dumps(ordered, ensure_ascii=False, indent=1, sort_keys=True)
    GOLDEN.mkdir(exist_ok=True)
    golden_path(group).write_text(text + "\n", "utf-8")


def difference(group: str, golden: Case | None, actual: Case | None) -> str:
    """What differs between a golden case and the present one; empty where nothing does."""
    actual = json.loads(json.dumps(actual))
    if golden == actual:
        return ""
    name = (golden or actual or {}).get("name")
    if golden is None or actual is None:
        return f"{group}: case {name!r} is {'not in the file' if golden is None else 'not made'}"
    lines = [f"{group}: case {name!r} differs"]
    for part in ("request", "response"):
        for key in sorted({*golden[part], *actual[part]}):
            was, now = golden[part].get(key), actual[part].get(key)
            if was != now:
                lines += [f"  {part} {key}", f"    golden: {was}", f"    actual: {now}"]
    return "\n".join(lines)
