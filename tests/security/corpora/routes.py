"""Routes of the api function, with what each accepts, and the error envelope of each path."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from rushes.api.paths import canonical_path
from rushes.api.webhooks.routes import ROUTES
from rushes.dialects import DIALECTS

VIDEO = {"prompt": "a cat", "model": "sandbox/video", "size": "1280x720", "seconds": "4"}
SECRET = {"signing_secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}


@dataclass(frozen=True)
class BodyRoute:
    """A route with a body. `fields` is an accepted body, `optional` has further field names."""

    name: str
    method: str
    path: str
    fields: dict[str, Any]
    optional: tuple[str, ...] = ()
    accepts_multipart: bool = False
    headers: dict[str, str] = field(default_factory=dict)


def _videos(prefix: str) -> Iterator[BodyRoute]:
    optional = ("input_reference", "seed", "negative_prompt", "audio", "fallbacks", "webhook")
    yield BodyRoute(f"{prefix} create", "POST", prefix, VIDEO, optional, accepts_multipart=True)
    edit = {"prompt": "x", "video": {"id": "{finished_job}"}}
    yield BodyRoute(f"{prefix} edit", "POST", f"{prefix}/edits", edit, accepts_multipart=True)
    remix = f"{prefix}/{{finished_job}}/remix"
    yield BodyRoute(f"{prefix} remix", "POST", remix, {"prompt": "x"}, accepts_multipart=True)


def _together() -> Iterator[BodyRoute]:
    fields = {"prompt": "a cat", "model": "sandbox/video", "width": 1280, "height": 720}
    optional = (
        *("seconds", "resolution", "ratio", "fps", "steps", "seed", "guidance_scale", "media"),
        *("output_format", "output_quality", "generate_audio", "frame_images", "webhook"),
        "reference_images",
    )
    yield BodyRoute("together create", "POST", "/v2/videos", fields, optional)


def _queues() -> Iterator[BodyRoute]:
    pipelet = {"prompt": "a cat", "duration": 4, "width": 1280, "height": 720}
    optional = ("data_uri", "seed", "negative_prompt", "webhook")
    yield BodyRoute("pipelet create", "POST", "/pipelet/queue/sandbox/video", pipelet, optional)
    fal = {"prompt": "a cat", "duration": "4", "video_size": "1280x720"}
    more = ("image_url", "image_urls", "end_image_url", "video_url", "image_size", "seed")
    yield BodyRoute("fal create", "POST", "/fal/sandbox/video", fal, more)
    file = {"content_type": "image/png", "file_name": "a.png"}
    yield BodyRoute("fal upload", "POST", "/fal/storage/upload/initiate", file)


def _tiyaro() -> Iterator[BodyRoute]:
    fields = {"input": {"prompt": "a cat", "seconds": 4, "size": "1280x720"}}
    path = "/v1/async/sandbox/video"
    yield BodyRoute("tiyaro create", "POST", path, fields, ("URL",), accepts_multipart=True)


def _uploads() -> Iterator[BodyRoute]:
    fields = {"content_type": "image/png", "content_length": 5}
    yield BodyRoute("upload", "POST", "/v1/uploads", fields, accepts_multipart=True)


def _webhooks(prefix: str) -> Iterator[BodyRoute]:
    one = f"{prefix}/webhook_endpoints/{{endpoint}}"
    new = {"url": "https://hooks.example/in", "name": "n", "event_types": ["job.completed"]}
    name = f"{prefix} webhooks"
    optional = ("format", "signing_secret", "status")
    yield BodyRoute(f"{name} create", "POST", f"{prefix}/webhook_endpoints", new, optional)
    yield BodyRoute(f"{name} update", "POST", one, new, optional)
    rotation = {"keep_old_secret_active_for_24_hours": False, **SECRET}
    yield BodyRoute(f"{name} rotate", "POST", f"{one}/rotate_secret", rotation)
    yield BodyRoute(f"{name} test", "POST", f"{one}/test", {"event_type": "job.completed"})
    since = {"since": "2026-11-01T00:00:00Z"}
    resend = ("message_id", "until", "after")
    yield BodyRoute(f"{name} resend", "POST", f"{one}/resend", since, resend)
    message = f"{prefix}/webhook_messages/{{message}}/resend"
    yield BodyRoute(f"{name} resend message", "POST", message, {})
    yield BodyRoute(f"{name} secret", "POST", f"{prefix}/webhook_secret/rotate", rotation)


def body_routes() -> tuple[BodyRoute, ...]:
    """Return every route that reads a body, once per dialect."""
    return (
        *_videos("/v1/videos"),
        *_videos("/openai/v1/videos"),
        *_together(),
        *_queues(),
        *_tiyaro(),
        *_uploads(),
        *_webhooks("/v1"),
    )


def all_routes() -> tuple[tuple[str, str], ...]:
    """Return method and path template of every registered route."""
    routes = [(route.method, route.path) for dialect in DIALECTS for route in dialect.routes]
    routes += [(route.method, route.path) for route in ROUTES]
    return tuple(dict.fromkeys(routes))


def error_message(path: str, text: str) -> str | None:
    """Return the message of an error response in the envelope of the path's dialect, or None."""
    try:
        body = json.loads(text)
    except ValueError:
        return None
    place = _place(canonical_path(path, ""), body) if isinstance(body, dict) else ""
    message = body.get(place) if place else None
    if isinstance(message, list) and place == "detail":  # fal's list of invalid fields
        message = next((entry.get("msg") for entry in message), None)
    if isinstance(message, dict):
        message = message.get("message")
    return message if isinstance(message, str) and message else None


def _place(path: str, body: dict[str, Any]) -> str:
    """Return the member that has the message, or the object with the message."""
    if f"{path}/".startswith(("/queue/", "/pipelet/", "/fal/", "/rushes/")):
        return "detail"
    if path.startswith(("/v1/async", "/v1/input")):
        return "message"
    bifrost = path.startswith(("/v1/videos", "/v1/models", "/bifrost/"))
    if bifrost and body.get("is_bifrost_error") is not True:
        return "no Bifrost envelope"
    return "error"
