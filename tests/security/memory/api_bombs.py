"""Requests for the real api function, with in-memory tables and files."""

import base64
import json
from collections.abc import Callable
from functools import partial

import pytest

from functions.api.app import lambda_handler
from rushes.api.auth import Authenticator
from rushes.api.webhooks.endpoint_service import EndpointService
from rushes.api.webhooks.handlers import WebhookApi
from rushes.catalog.models import read_catalog
from rushes.http.url_policy import PublicUrlPolicy
from rushes.jobs.request import MAX_INLINE_BYTES
from rushes.wiring import api as api_wiring
from rushes.wiring.aws import client, s3_config
from tests.security.memory.meter import MEGABYTE, Bomb, Bombs, Run
from tests.unit.dialects.api_client import CONTEXT, FIELDS, PNG, Caller, event, form
from tests.unit.webhooks.harness import URL, Harness

CATALOG = read_catalog("""
default_model = "sandbox/video"
[providers.sandbox]
protocol = "openai_compatible"
[[models]]
name = "sandbox/video"
seconds = [4, 8]
sizes = ["1280x720"]
options = ["extras"]
inputs = ["image", "last_frame", "reference", "source_video"]
""")
OPENAI, TOGETHER, FAL = "/openai/v1/videos", "/v2/videos", "/fal/sandbox/video"
PIPELET, TIYARO = "/pipelet/queue/sandbox/video", "/v1/async/sandbox/video"
ENDPOINTS = "/v1/webhook_endpoints"
LAUGHING = "\N{FACE WITH TEARS OF JOY}"
LENGTH = 10 * MEGABYTE - 1000
"""Bytes of a body, just below the limit."""
LARGEST_FILE = PNG + bytes(MAX_INLINE_BYTES - len(PNG))
VALUES = 195_000
"""Members of a list, below the limit of all values."""
JSON_TYPE = {"content-type": "application/json"}
FORM_TYPE = {"content-type": "multipart/form-data; boundary=limit"}
BASE: dict[str, dict[str, str]] = {
    OPENAI: FIELDS,
    TOGETHER: {"model": "sandbox/video", "prompt": "a cat"},
    FAL: {"prompt": "a cat"},
    PIPELET: {"prompt": "a cat"},
    TIYARO: {},
    ENDPOINTS: {"url": URL},
}
"""Valid fields by path."""


class _Scene:
    def __init__(self) -> None:
        patch = pytest.MonkeyPatch()
        self.caller = Caller(patch, CATALOG)
        harness = Harness()
        service = EndpointService(
            harness.endpoints,
            harness.signing_secrets,
            PublicUrlPolicy(local_mode=True),
            harness.clock,
        )
        webhooks = WebhookApi(service, harness.messages, Authenticator(self.caller.keys))
        patch.setattr(api_wiring, "webhook_api", lambda: webhooks)
        # A function has its clients in memory.
        self.clients = [client(name) for name in ("dynamodb", "stepfunctions")]
        self.clients.append(client("s3", s3_config(local_mode=True)))

    def send(self, path: str, headers: dict[str, str], body: bytes) -> Run:
        scheme = "Key" if path == FAL else "Bearer"
        sent = {"authorization": f"{scheme} {self.caller.key}", **headers}
        given = event("POST", path, body, sent)

        def run() -> str:
            response = lambda_handler(given, CONTEXT)
            return f"{response['statusCode']} {response.get('body')}"[:1000]

        return run


def _json(path: str, name: str, value: Callable[[], str]) -> bytes:
    """Return a request with one more field, whose value is literal JSON."""
    fields = {key: given for key, given in BASE[path].items() if key != name}
    pairs = [f"{json.dumps(key)}: {json.dumps(given)}" for key, given in fields.items()]
    return f"{{{', '.join([*pairs, f'{json.dumps(name)}: {value()}'])}}}".encode()


def _list(member: str, count: int) -> str:
    return f"[{f'{member},' * (count - 1)}{member}]"


def _fill(before: str, piece: str, after: str, length: int = LENGTH) -> str:
    return before + piece * ((length - len(before) - len(after)) // len(piece)) + after


def _names(count: int) -> str:
    return "{" + ",".join(f'"name-{number}":0' for number in range(count)) + "}"


JSON_BOMBS: dict[str, tuple[str, str, Callable[[], str], str]] = {
    "two million numbers": (OPENAI, "fallbacks", lambda: _list("1", 2_000_000), "at most 200000"),
    "3 MB of lists": (OPENAI, "extras", lambda: _list("[]", 1_000_000), "at most 200000 values"),
    "3 MB of objects": (OPENAI, "extras", lambda: _list("{}", 1_000_000), "at most 200000 values"),
    "10 MB of depth": (OPENAI, "extras", lambda: "[" * (LENGTH - 200), "at most 200000 values"),
    "depth": (OPENAI, "extras", lambda: "[" * 195_000, "body is not valid JSON"),
    "10 MB of digits": (OPENAI, "seed", lambda: "9" * (LENGTH - 200), "number out of range"),
    "10 MB of decimals": (
        OPENAI,
        "extras",
        lambda: _fill("0.", "9", "", LENGTH - 200),
        "200",
    ),
    "10 MB of text": (OPENAI, "prompt", lambda: f'"{LAUGHING * 2_500_000}"', "413"),
    "10 MB of escapes": (OPENAI, "prompt", lambda: _fill('"', "\\u0041", '"', LENGTH - 200), "413"),
    "10 MB as a number": (OPENAI, "seconds", lambda: _fill('"', "9", '"', LENGTH - 200), "seconds"),
    "10 MB as a model": (OPENAI, "model", lambda: _fill('"', "m", '"', LENGTH - 200), "413"),
    "10 MB as a size": (OPENAI, "size", lambda: _fill('"', "\\u0000", '"', LENGTH - 200), "NUL"),
    "fallbacks": (OPENAI, "fallbacks", lambda: _list("1", VALUES), "fallbacks.0 must be an object"),
    "empty fallbacks": (OPENAI, "fallbacks", lambda: _list("{}", 97_000), "fallbacks.0.provider"),
    "unknown fields": (
        OPENAI,
        "fallbacks",
        lambda: f"[{_names(VALUES)}]",
        "fallbacks must have at most 1000 members",
    ),
    "999 unknown fields": (OPENAI, "fallbacks", lambda: f"[{_names(999)}]", "fallbacks.0"),
    "webhook fields": (OPENAI, "webhook", lambda: _names(VALUES), "at most 1000 members"),
    "reference fields": (OPENAI, "input_reference", lambda: _names(VALUES), "at most 1000"),
    "numbers in an option": (OPENAI, "extras", lambda: _list("1", VALUES), "413"),
    "commas in the prompt": (
        OPENAI,
        "prompt",
        lambda: json.dumps("," * 40_000),
        "prompt must have at most 32000",
    ),
    "references": (TOGETHER, "reference_images", lambda: _list("1", VALUES), "reference_images.0"),
    "reference texts": (TOGETHER, "reference_images", lambda: _list('"a"', VALUES), "at most 32"),
    "media": (TOGETHER, "media", lambda: f'{{"frame_videos": {_list("1", VALUES)}}}', "at most 32"),
    "frames": (TOGETHER, "frame_images", lambda: _list("{}", 97_000), "frame_images.0.input_image"),
    "data URL": (
        TOGETHER,
        "reference_images",
        lambda: f'["data:image/png;base64,{base64.b64encode(PNG + bytes(7 * MEGABYTE)).decode()}"]',
        "413",
    ),
    "data URL of the largest file": (
        TOGETHER,
        "reference_images",
        lambda: f'["data:image/png;base64,{base64.b64encode(LARGEST_FILE).decode()}"]',
        "200",
    ),
    "bare base64": (
        TOGETHER,
        "reference_images",
        lambda: f'["{base64.b64encode(PNG + bytes(7 * MEGABYTE)).decode()}"]',
        "413",
    ),
    "data URL of parameters": (
        TOGETHER,
        "reference_images",
        lambda: _fill('["data:', ";a", '"]', LENGTH - 200),
        "must be a base64 data URL",
    ),
    "image_urls": (FAL, "image_urls", lambda: _list('"http://a.example/"', VALUES), "at most 32"),
    "data_uri of spaces": (PIPELET, "data_uri", lambda: _fill('"', "A ", '"', LENGTH - 200), "40"),
    "Tiyaro's input": (TIYARO, "input", lambda: _names(VALUES), "at most 1000 members"),
    "event_types": (ENDPOINTS, "event_types", lambda: _list("1", VALUES), "event_types.0"),
    "event_types of text": (ENDPOINTS, "event_types", lambda: _list('"x"', VALUES), "at most 50"),
    "endpoint fields": (
        ENDPOINTS,
        "name",
        lambda: _fill('"', "x", '"', LENGTH - 200),
        "at most 200",
    ),
}
"""Path, field, its value and the outcome, by name."""

BODIES: dict[str, tuple[dict[str, str], Callable[[], bytes], str]] = {
    "long name": (JSON_TYPE, lambda: _json(OPENAI, "n" * (LENGTH - 200), lambda: "1"), "413"),
    "195,000 fields": (JSON_TYPE, lambda: _names(VALUES).encode(), "at most 1000 members"),
    "equal names": (JSON_TYPE, lambda: b"{" + b'"a":0,' * VALUES + b'"a":0}', "a is duplicated"),
    "10 MB of spaces": (JSON_TYPE, lambda: b" " * LENGTH, "400 "),
    "more than 10 MB": (JSON_TYPE, lambda: b"[" * (LENGTH + 2000), "413"),
    "packed body": (
        {**JSON_TYPE, "content-encoding": "gzip"},
        lambda: bytes(LENGTH),
        "content-encoding must be identity",
    ),
    "100,000 parts": (
        FORM_TYPE,
        lambda: form([(f"a{number}", "b") for number in range(100_000)])[:LENGTH],
        "not valid multipart",
    ),
    "32 large parts": (
        FORM_TYPE,
        lambda: form([(f"a{number}", "x" * 300_000) for number in range(32)]),
        "400",
    ),
    "part header of 9 MB": (FORM_TYPE, lambda: form([("a" * 9 * MEGABYTE, "b")]), "400"),
    "many part headers": (
        FORM_TYPE,
        lambda: b"--limit\r\n" + b"a: b\r\n" * 1_000_000 + b"\r\n\r\n--limit--\r\n",
        "not valid multipart",
    ),
    "file of 10 MB": (
        FORM_TYPE,
        lambda: form(
            [*FIELDS.items(), ("input_reference", "image/png", PNG + bytes(LENGTH - 2000))]
        ),
        "413",
    ),
    "largest file": (
        FORM_TYPE,
        lambda: form([*FIELDS.items(), ("input_reference", "image/png", LARGEST_FILE)]),
        "200",
    ),
    "list in a form": (
        FORM_TYPE,
        lambda: form([("prompt", "a cat"), *[("fallbacks[]", "x" * 300_000)] * 31]),
        "fallbacks.0",
    ),
}
"""Headers, body and outcome of a create call to OpenAI's API, by name."""


def api_bombs(_url: str) -> Bombs:
    scene = _Scene()
    found = {
        name: _bomb(scene, path, JSON_TYPE, partial(_json, path, field, value), outcome)
        for name, (path, field, value, outcome) in JSON_BOMBS.items()
    }
    for name, (headers, make, outcome) in BODIES.items():
        found[name] = _bomb(scene, OPENAI, headers, make, outcome)
    return found


def _bomb(
    scene: _Scene, path: str, headers: dict[str, str], make: Callable[[], bytes], outcome: str
) -> Bomb:
    return Bomb(lambda: scene.send(path, headers, make()), outcome)
