"""200 hostile answers of a provider that quote a secret: by place, by form and by HTTP status."""

import json
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import Any

import httpx

from tests.contract.test_transcripts import TRANSCRIPTS
from tests.security.canary_secrets import FORMS, Canary

COUNT = 200
PLACE = "CANARYPLACE"
"""Stands for the quoted secret in an answer."""


@dataclass(frozen=True)
class Reply:
    """A response, or an exception; `exchange` makes the latter in place of a response."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    error: Exception | None = None


@dataclass(frozen=True)
class Answer:
    """Replies to a job's requests in turn; the last one is the hostile one and repeats."""

    name: str
    replies: tuple[Reply, ...]


def answers(canary: Canary) -> list[Answer]:
    """Return `COUNT` answers, the quoting form changing from one to the next."""
    templates = [*_statuses(), *_headers(), *_texts(), *_errors(), *_values(canary.protocol)]
    assert len(templates) >= COUNT // 2
    stages = _stages(canary.protocol)
    quoted = cycle(FORMS.items())
    made = []
    for number, (name, reply) in enumerate(islice(cycle(templates), COUNT)):
        form, quote = next(quoted)
        stage = name.partition(" ")[0]
        before = stages.get(stage) or list(stages.values())[number % len(stages)]
        hostile = _filled(reply, quote(canary.secret))
        made.append(Answer(f"{name} ({form}) after {len(before)}", (*before, hostile)))
    return made


def _stages(protocol: str) -> dict[str, tuple[Reply, ...]]:
    """Return the replies before the hostile one, by the step that gets it."""
    submitted = _good(protocol, "submit")
    done = _good(protocol, "succeeded", "fetch_result")
    result = (*submitted, *done, *_good(protocol, "result", "succeeded"))
    return {"submit": (), "poll": submitted, "result": (*submitted, *done), "download": result}


def _good(protocol: str, *names: str) -> tuple[Reply, ...]:
    for name in names:
        path = TRANSCRIPTS / protocol / f"{name}.json"
        if path.exists():
            return (_reply(json.loads(path.read_text())["reply"]),)
    raise LookupError(names)


def _reply(recorded: dict[str, Any]) -> Reply:
    body = recorded["body"]
    text = body if isinstance(body, str) else json.dumps(body)
    return Reply(recorded["status"], text.encode(), recorded["headers"])


def _filled(reply: Reply, quoted: str) -> Reply:
    """Put the quoted secret into the reply; a header cannot contain every form."""
    if reply.error:
        return Reply(error=type(reply.error)(str(reply.error).replace(PLACE, quoted)))
    headers = {name: value.replace(PLACE, quoted) for name, value in reply.headers.items()}
    return Reply(reply.status, reply.body.replace(PLACE.encode(), quoted.encode()), headers)


def _statuses() -> Iterator[tuple[str, Reply]]:
    """Errors in the formats of all providers, as plain text, as HTML and as invalid JSON."""
    message = f"Incorrect API key provided: {PLACE}. See https://docs.example"
    bodies: dict[str, Any] = {
        "error object": {"error": {"message": message, "type": PLACE, "code": PLACE}},
        "error text": {"error": message},
        "detail": {"detail": message},
        "field errors": {"detail": [{"loc": ["body", PLACE], "msg": message, "type": PLACE}]},
        "message": {"message": message, "code": PLACE},
        "google": {"error": {"code": 400, "message": message, "status": PLACE}},
        "minimax": {"base_resp": {"status_code": 1004, "status_msg": message}},
    }
    for status in (400, 401, 402, 403, 404, 408, 409, 410, 422, 425, 429, 500, 503):
        for name, body in bodies.items():
            if (status + len(name)) % 3 == 0:
                yield f"{status} {name}", Reply(status, json.dumps(body).encode())
        yield f"{status} text", Reply(status, message.encode())
        html = f"<html><title>{status}</title><p title='{PLACE}'>{message}</p>"
        yield f"{status} HTML", Reply(status, html.encode(), {"content-type": "text/html"})


def _headers() -> Iterator[tuple[str, Reply]]:
    names = ("content-type", "retry-after", "location", "date", "x-fal-error-type", "etag")
    for name in (*names, "x-request-id", "content-disposition"):
        yield f"header {name}", Reply(400, b'{"error": "no"}', {name: f"{PLACE}"})
        yield f"download header {name}", Reply(200, b"no media", {name: PLACE})
    yield "download redirect", Reply(302, b"", {"location": f"https://files.example/?key={PLACE}"})
    yield "download redirect to a host", Reply(302, b"", {"location": f"https://{PLACE}/x"})
    yield "download text", Reply(403, f"wrong key {PLACE}".encode(), {"content-type": PLACE})


def _texts() -> Iterator[tuple[str, Reply]]:
    """Bodies at the limits of what is stored, and bodies that no parser accepts."""
    for length in (0, 200, 262, 270, 280, 285, 290, 295, 299, 300, 301):
        text = f"{'x' * length}{PLACE}"
        yield f"text after {length}", Reply(400, text.encode())
        body = {"error": {"message": text, "code": f"{'c' * (length // 4)}{PLACE}"}}
        yield f"message after {length}", Reply(422, json.dumps(body).encode())
    for text in (f'{{"id": "{PLACE}', f'["{PLACE}"]', f'"{PLACE}"', f"{PLACE}: 1", f'{{"{PLACE}":'):
        yield "submit unparsable", Reply(200, text.encode())
        yield "poll unparsable", Reply(200, text.encode())
    status = {"status": PLACE, "id": "1", "progress": PLACE, "error": PLACE, "warnings": [PLACE]}
    yield "poll status", Reply(200, json.dumps(status).encode())


def _errors() -> Iterator[tuple[str, Reply]]:
    types = (httpx.ReadError, httpx.ConnectError, httpx.RemoteProtocolError, ssl.SSLError)
    for error in (*types, ValueError, RuntimeError, UnicodeError, OSError):
        yield f"exception {error.__name__}", Reply(error=error(f"illegal header {PLACE}"))


def _values(protocol: str) -> Iterator[tuple[str, Reply]]:
    """Recorded replies, in each of which one text is the secret, or contains it."""
    for path in sorted((TRANSCRIPTS / protocol).glob("*.json")):
        transcript = json.loads(path.read_text())
        if transcript["step"] not in ("submit", "poll", "result"):
            continue
        if protocol == "declarative" and transcript.get("provider") != "sandbox-minimax":
            continue
        reply = transcript["reply"]
        for where, changed in _changed(reply["body"]):
            name = f"{transcript['step']} {path.stem} {where}"
            yield name, _reply({**reply, "body": changed})


def _changed(value: Any, where: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, member in value.items():
            for place, changed in _changed(member, f"{where}/{name}"):
                yield place, {**value, name: changed}
    elif isinstance(value, list):
        for index, member in enumerate(value):
            for place, changed in _changed(member, f"{where}/{index}"):
                yield place, [*value[:index], changed, *value[index + 1 :]]
    elif isinstance(value, str):
        yield where, f"{value}{PLACE}" if value.startswith(("https://", "/")) else PLACE
