"""Cases of Pipelet's and of fal's queue."""

import base64
from typing import Any

from tests.contract.golden_common import WEBHOOK_FIELDS, Api, common, invalid
from tests.contract.golden_jobs import (
    MODEL,
    PICTURE_ADDRESS,
    PNG,
    STATES,
    STATES_AFTER_CANCEL,
    WEBHOOK,
)
from tests.contract.golden_recorder import Recorder
from tests.contract.golden_session import session

MODELS = ("clip", MODEL, "a/b/c", "a/b/c/d", "a/b/c/d/e", "a/b/c/d/e/f")
"""One per length of a path; jobs are asked for below the first three lengths."""
FIELDS = {"prompt": "a cat"}
BARE = base64.b64encode(PNG).decode()
DATA_URL = f"data:image/png;base64,{BARE}"
SHARED_FIELDS: dict[str, dict[str, Any]] = {
    "prompt missing": {"prompt": ...},
    "prompt empty": {"prompt": ""},
    "prompt long": {"prompt": "x" * 201},
    "duration": {"duration": 8},
    "duration as text": {"duration": "8"},
    "duration with unit": {"duration": "8s"},
    "duration not on offer": {"duration": 5},
    "duration of zero": {"duration": 0},
    "seed": {"seed": 7, "negative_prompt": "dogs", "guidance_scale": 5},
    "seed as text": {"seed": "seven"},
    "unknown field": {"sharpness": 1},
    "audio not taken": {"generate_audio": True},
    "webhook in body": WEBHOOK_FIELDS["webhook, address"],
}
PIPELET_FIELDS: dict[str, dict[str, Any]] = {
    **SHARED_FIELDS,
    "size": {"width": 720, "height": 1280},
    "height only": {"height": 1280},
    "width only": {"width": 720},
    "size not on offer": {"width": 4, "height": 4},
    "height of zero": {"height": 0},
    "picture": {"data_uri": DATA_URL},
    "picture bare": {"data_uri": BARE[:20] + "\n" + BARE[20:]},
    "picture address": {"data_uri": PICTURE_ADDRESS},
    "picture bad": {"data_uri": "!"},
    "picture number": {"data_uri": 5},
    "picture is none": {"data_uri": "data:text/plain;base64,aGk="},
}
FAL_FIELDS: dict[str, dict[str, Any]] = {
    **SHARED_FIELDS,
    "size by name": {"video_size": "landscape_16_9"},
    "size by text": {"video_size": "720x1280"},
    "size by object": {"image_size": {"width": 720, "height": 1280}},
    "size incomplete": {"video_size": {"width": 5}},
    "size of number": {"video_size": 5},
    "size twice": {"video_size": "square", "image_size": "square"},
    "picture": {"image_url": DATA_URL},
    "picture address": {"start_image_url": PICTURE_ADDRESS},
    "picture twice": {"image_url": PICTURE_ADDRESS, "first_frame_url": PICTURE_ADDRESS},
    "picture bad": {"image_url": "a cat"},
    "picture is none": {"image_url": "data:text/plain;base64,aGk="},
    "last frame not taken": {"end_image_url": DATA_URL},
    "source video": {"video_url": "https://videos.example/1.mp4"},
    "sound not taken": {"audio_url": "https://sounds.example/1.mp3"},
    "references no list": {"image_urls": PICTURE_ADDRESS},
    "references of number": {"image_urls": [5]},
}
ALL_FILES = {
    "image_url": DATA_URL,
    "end_image_url": PICTURE_ADDRESS,
    "image_urls": [PICTURE_ADDRESS, DATA_URL],
    "video_url": "https://videos.example/1.mp4",
    "audio_url": "https://sounds.example/1.mp3",
    "video_size": "landscape_16_9",
    "duration": "5s",
    "style": "noir",
    "generate_audio": False,
}
FAL_HEADERS = {
    "priority": {"x-fal-queue-priority": "normal"},
    "priority low": {"x-fal-queue-priority": "low"},
    "store": {"x-fal-store-io": "1"},
    "no store": {"x-fal-store-io": "0"},
    "lifecycle": {"x-fal-object-lifecycle-preference": "{}"},
    "timeout": {"x-fal-request-timeout": "60.0"},
    "bad timeout": {"x-fal-request-timeout": "soon"},
    "hint": {"x-fal-runner-hint": "h", "x-fal-no-retry": "1"},
}
PIPELET_HEADERS = {
    "binary output": {"x-pipelet-output": "binary"},
    "other output": {"x-pipelet-output": "text"},
}


def pipelet(record: Recorder) -> None:
    _queue(record, "/pipelet/queue", PIPELET_FIELDS)
    with session(record, "shared path") as api:
        key = {"authorization": f"Key {api.caller.key}"}
        made = api.call("create with fal's key", "POST", f"/queue/{MODEL}", FIELDS, key)
        one = f"/queue/{MODEL}/requests/{made.json['request_id']}"
        for name, headers in {"fal's": key, "Pipelet's": {}}.items():
            api.call(f"status with {name} key", "GET", f"{one}/status", None, headers)
            api.call(f"result with {name} key", "GET", one, None, headers)
            api.call(f"cancel with {name} key", "PUT", f"{one}/cancel", None, headers)
        api.call("bad with fal's key", "POST", f"/queue/{MODEL}", {"duration": 5}, key)
    _routes(record, "/queue")
    _webhooks(record, "/queue")
    _headers(record, "/pipelet/queue", PIPELET_HEADERS)
    with session(record, "binary output") as api:
        headers = {"x-pipelet-output": "binary"}
        made = api.call(None, "POST", f"/pipelet/queue/{MODEL}", FIELDS, headers)
        api.set_state(made.json["request_id"], "completed")
        path = f"/pipelet/queue/{MODEL}/requests/{made.json['request_id']}"
        api.call("result", "GET", path)


def fal(record: Recorder) -> None:
    _queue(record, "/fal", FAL_FIELDS, scheme="Key")
    _headers(record, "/fal", FAL_HEADERS)
    with session(record, "all files") as api:
        api.call("create", "POST", "/fal/acme/all-inputs", {**FIELDS, **ALL_FILES})
        api.call("needs a picture", "POST", "/fal/acme/needs-image", FIELDS)
    with session(record, "watched timeout") as api:
        timeout = {"x-fal-request-timeout": "60"}
        made = api.call(None, "POST", f"/fal/{MODEL}", FIELDS, timeout)
        path = f"/fal/{MODEL}/requests/{made.json['request_id']}/status"
        api.call("status", "GET", path, logs="1")


def _queue(
    record: Recorder, prefix: str, fields: dict[str, dict[str, Any]], scheme: str = "Bearer"
) -> None:
    path = f"{prefix}/{MODEL}"
    one = f"{path}/requests/{{id}}"
    spoken = Api(path, FIELDS, {"prompt": "a dog"}, one, "request_id")
    common(record, spoken)
    invalid(record, spoken, fields)
    _states(record, spoken)
    _settled_cancels(record, spoken)
    _routes(record, prefix)
    _webhooks(record, prefix)
    _elsewhere(record, prefix, spoken)
    with session(record, "other models") as api:
        key = {"authorization": f"{scheme} {api.caller.key}"}
        for model in ("acme/none", "acme/image-1", "acme/speech-1", "acme/transcript-1", "either"):
            api.call(model, "POST", f"{prefix}/{model}", FIELDS, key)


def _states(record: Recorder, spoken: Api) -> None:
    for state in STATES:
        with session(record, f"state {state}") as api:
            job_id = spoken.create(api)
            api.tick(60)
            api.set_state(job_id, state)
            one = spoken.one(job_id)
            api.call("status", "GET", f"{one}/status")
            api.call("result", "GET", one)
            api.call("cancel", "PUT", f"{one}/cancel")
            api.call("status after cancel", "GET", f"{one}/status")


def _settled_cancels(record: Recorder, spoken: Api) -> None:
    """Cancels whose outcome is known before they are answered."""
    for before in ("queued", "in_progress"):
        for state in STATES_AFTER_CANCEL:
            with session(record, f"cancel of {before} that ends in {state}") as api:
                job_id = spoken.create(api)
                api.set_state(job_id, before)
                api.end_at_cancel(state)
                api.call("cancel", "PUT", f"{spoken.one(job_id)}/cancel")
                api.call("status", "GET", f"{spoken.one(job_id)}/status")


def _routes(record: Recorder, prefix: str) -> None:
    with session(record, f"routes of {prefix}") as api:
        for length, model in enumerate(MODELS, 1):
            api.tick()
            made = api.call(f"create {length}", "POST", f"{prefix}/{model}", FIELDS)
            app = "/".join(model.split("/")[:3])
            one = f"{prefix}/{app}/requests/{made.json['request_id']}"
            api.call(f"status {length}", "GET", f"{one}/status")
            api.call(f"result {length}", "GET", one)
            api.call(f"cancel {length}", "PUT", f"{one}/cancel")


def _webhooks(record: Recorder, prefix: str) -> None:
    path, query, header = f"{prefix}/{MODEL}", "fal_webhook", "x-pipelet-webhook"
    with session(record, f"webhooks of {prefix}") as api:
        for scheme in ("Key", "Bearer"):
            key = {"authorization": f"{scheme} {api.caller.key}"}
            api.call(f"{scheme}, query", "POST", path, FIELDS, key, **{query: WEBHOOK})
            api.call(f"{scheme}, header", "POST", path, FIELDS, {**key, header: WEBHOOK})
        both = {header: WEBHOOK}
        api.call("both", "POST", path, FIELDS, both, **{query: WEBHOOK})
        api.call("no address, query", "POST", path, FIELDS, **{query: "hooks.example"})
        api.call("no address, header", "POST", path, FIELDS, {header: "hooks.example"})
        api.call("refused, query", "POST", path, FIELDS, **{query: "https://127.0.0.1/"})
        api.call("refused, header", "POST", path, FIELDS, {header: "https://127.0.0.1/"})
        api.call("other query", "POST", path, FIELDS, colour="red")


def _headers(record: Recorder, prefix: str, headers: dict[str, dict[str, str]]) -> None:
    with session(record, "headers") as api:
        for name, sent in headers.items():
            api.call(name, "POST", f"{prefix}/{MODEL}", FIELDS, sent)


def _elsewhere(record: Recorder, prefix: str, spoken: Api) -> None:
    with session(record, "elsewhere") as api:
        api.call("reserved", "POST", f"{prefix}/submit", FIELDS)
        api.call("reserved, deeper", "POST", f"{prefix}/status/x", FIELDS)
        api.call("requests as model", "POST", f"{prefix}/acme/requests/x", FIELDS)
        api.call("unknown URL", "GET", f"{prefix}/{MODEL}")
        api.call("unknown method", "DELETE", spoken.one("job_x"))
        api.call("too deep", "POST", f"{prefix}/a/b/c/d/e/f/g", FIELDS)
        api.call("escaped model", "POST", f"{prefix}/acme%2Fvideo-1", FIELDS)
        api.form("form", f"{prefix}/{MODEL}", *FIELDS.items())
        job_id, other_account = spoken.create(api), api.other_account()
        for method, path in (("GET", "/status"), ("GET", ""), ("PUT", "/cancel")):
            name = f"{method} result{path}"
            api.call(f"absent, {name}", method, spoken.one("job_x") + path)
            api.call(f"malformed, {name}", method, spoken.one("a.b") + path)
            api.call(
                f"another account's, {name}", method, spoken.one(job_id) + path, None, other_account
            )
