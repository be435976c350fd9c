"""Holds the catalog of the golden cases, and the states that stored jobs are brought into."""

from typing import Any

from tests.contract.golden_recorder import FILTER_SENTENCE, UPSTREAM_SENTENCE, WARNING

CATALOG_TEXT = """
default_model = "acme/video-1"
[providers.acme]
protocol = "openai_compatible"
[providers.globex]
protocol = "openai_compatible"
[providers.openai]
protocol = "openai_compatible"
[aliases]
clip = "acme/video-1"
either = ["acme/video-1", "globex/video-2"]
"a/b/c" = "acme/video-1"
"a/b/c/d" = "acme/video-1"
"a/b/c/d/e" = "acme/video-1"
"a/b/c/d/e/f" = "acme/video-1"
"a/b/c/d/e/f/g" = "acme/video-1"
"a/b/c/d/e/f/g/h" = "acme/video-1"
[[models]]
name = "acme/video-1"
upstream_model = "video-1-large"
seconds = [4, 8]
sizes = ["1280x720", "720x1280"]
options = ["seed", "negative_prompt", "guidance_scale", "extras"]
inputs = ["image", "source_video"]
prompt_characters = 200
price_per_second = 0.1
deadline_seconds = 1800
[[models]]
name = "globex/video-2"
seconds = [4, 8]
sizes = ["1280x720"]
options = ["seed", "negative_prompt"]
inputs = ["image"]
price_per_job = 2.0
[[models]]
name = "openai/plain"
seconds = [4]
sizes = ["1280x720"]
[[models]]
name = "acme/all-inputs"
seconds = [4, 5, 8]
sizes = ["1280x720", "1024x576", "640x480"]
options = ["seed", "negative_prompt", "generate_audio", "resolution", "ratio", "fps", "steps",
  "guidance_scale", "output_format", "output_quality", "style", "serviceTier"]
inputs = ["image", "last_frame", "reference", "source_video", "audio"]
[[models]]
name = "acme/needs-image"
seconds = [4]
sizes = ["1280x720"]
inputs = ["image"]
needs = ["image"]
[[models]]
name = "acme/image-1"
modality = "image"
sizes = ["1024x1024"]
[[models]]
name = "acme/speech-1"
modality = "audio"
[[models]]
name = "acme/transcript-1"
modality = "transcription"
options = ["temperature", "language"]
inputs = ["audio"]
needs = ["audio"]
needs_prompt = false
price_per_job = 0.25
"""
"""Neutral names, so that a rename in the project does not change the golden files."""

MODEL = "acme/video-1"
VIDEO = b"\x00\x00\x00\x18ftypmp42" + bytes(16)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(16)
JPEG = b"\xff\xd8\xff" + bytes(16)
SOUND = b"ID3\x04" + bytes(16)
WEBHOOK = "https://hooks.example/in?token=1"
PICTURE_ADDRESS = "https://pictures.example/cat.png"
LARGE = 5_000_000
DOCUMENT = {"text": "good morning", "segments": [{"id": 0, "text": "good morning"}]}

RUNNING: dict[str, Any] = {
    "status": "in_progress",
    "stage": "running",
    "operation": {"id": "up-1"},
    "submitted_at": 2.0,
    "updated_at": 12.5,
    "progress": 40,
    "version": 3,
}
"""Times here and below count from the job's creation."""
ENDED: dict[str, Any] = {
    **RUNNING,
    "stage": "finished",
    "updated_at": 30.25,
    "finished_at": 30.25,
    "finished_by": "run",
}
DONE: dict[str, Any] = {
    **ENDED,
    "status": "completed",
    "progress": 100,
    "generated_at": 20.125,
    "expires_at": 86_430.25,
    "outcome": {"status": "completed", "error": None},
    "warnings": [WARNING],
}


def _failed(code: str, message: str, upstream_code: str | None = None) -> dict[str, Any]:
    error = {"code": code, "message": message, "upstream_code": upstream_code}
    return {
        **ENDED,
        "status": "failed",
        "error": error,
        "outcome": {"status": "failed", "error": error},
    }


def _cancelled(upstream: str | None) -> dict[str, Any]:
    return {
        **ENDED,
        "status": "cancelled",
        "cancel_requested_at": 25.0,
        "upstream_cancelled": upstream,
        "outcome": {"status": "cancelled", "error": None},
    }


def _files(*content_types: str, size: int = len(VIDEO)) -> dict[str, Any]:
    return {**DONE, "artifacts": [{"content_type": it, "size": size} for it in content_types]}


_EARLIER_ATTEMPT = {
    "model": MODEL,
    "provider": "acme",
    "operation": None,
    "started_at": 0.0,
    "ended_at": 1.0,
    "error": {"code": "upstream_busy", "message": UPSTREAM_SENTENCE, "upstream_code": None},
    "cost": 0.4,
}
STATES: dict[str, dict[str, Any]] = {
    "queued": {},
    "waiting": {"stage": "waiting", "updated_at": 1.0},
    "submitting": {"stage": "submitting", "lease_until": 60.0, "updated_at": 1.0},
    "in_progress": RUNNING,
    "in_progress_from_zero": {**RUNNING, "progress": 0},
    "in_progress_with_warning": {**RUNNING, "warnings": [WARNING]},
    "storing": {**RUNNING, "stage": "storing", "generated_at": 20.125, "progress": 99},
    "cancel_pending": {**RUNNING, "cancel_requested_at": 12.5, "executions": 2},
    "completed": _files("video/mp4"),
    "completed_several": _files("video/mp4", "video/webm"),
    "completed_large": _files("video/mp4", size=LARGE),
    "completed_unknown_type": _files("application/x-unknown"),
    "completed_whole_cost": {**_files("video/mp4"), "cost": 3.0},
    "completed_without_cost": {**_files("video/mp4"), "cost": None},
    "completed_images": {**_files("image/png", "image/jpeg"), "modality": "image"},
    "completed_audio": {**_files("audio/mpeg"), "modality": "audio"},
    "completed_document": {**DONE, "modality": "transcription", "document": DOCUMENT},
    "completed_document_file": {**DONE, "modality": "transcription", "document_file": {}},
    "completed_file_and_document": {
        **_files("audio/wav"),
        "modality": "audio",
        "document": DOCUMENT,
    },
    "completed_after_failover": {
        **_files("video/mp4"),
        "provider": "globex",
        "model": "globex/video-2",
        "upstream_model": "video-2",
        "attempts": [_EARLIER_ATTEMPT],
    },
    "failed": _failed("upstream_refused", UPSTREAM_SENTENCE, "bad_thing"),
    "failed_before_submission": {
        **_failed("provider_not_configured", UPSTREAM_SENTENCE),
        "operation": None,
        "submitted_at": None,
        "progress": 0,
    },
    "failed_by_filter": _failed("content_filtered", FILTER_SENTENCE, "moderation_blocked"),
    "failed_by_timeout": _failed("upstream_timeout", UPSTREAM_SENTENCE),
    "failed_in_queue": _failed("upstream_queued_too_long", UPSTREAM_SENTENCE),
    "failed_without_error": {**ENDED, "status": "failed"},
    "cancelled": _cancelled(None),
    "cancelled_upstream_yes": _cancelled("yes"),
    "cancelled_upstream_no": {**_cancelled("no"), "track_until": 1800.0},
    "cancelled_upstream_unsupported": _cancelled("unsupported"),
    "expired": {**_files("video/mp4"), "expires_at": -1.0},
    "deleted": {**_files("video/mp4"), "deleted_at": 40.0},
}
"""Fields of stored jobs; an artifact's key follows from the job."""
STATES_AFTER_CANCEL = (
    "cancelled_upstream_yes",
    "cancelled_upstream_no",
    "cancelled_upstream_unsupported",
    "completed",
    "failed",
)
TIMES = (
    "submitted_at",
    "updated_at",
    "generated_at",
    "finished_at",
    "expires_at",
    "cancel_requested_at",
    "lease_until",
    "track_until",
    "deleted_at",
)


def state_of(job: dict[str, Any], state: str) -> dict[str, Any]:
    """The fields that a stored job has in a state."""
    fields, start = dict(STATES[state]), job["created_at"]
    for name in TIMES:
        if fields.get(name) is not None:
            fields[name] += start
    folder = f"outputs/{job['account']}/{job['id']}"
    if "artifacts" in fields:
        fields["artifacts"] = [
            {**it, "key": f"{folder}/{n}", "sha256": f"{n}" * 64}
            for n, it in enumerate(fields["artifacts"])
        ]
    if "document_file" in fields:
        file = {"key": f"{folder}/document", "content_type": "application/json", "size": 23}
        fields["document_file"] = file
    if "attempts" in fields:
        times = {name: start + _EARLIER_ATTEMPT[name] for name in ("started_at", "ended_at")}
        fields["attempts"] = [{**_EARLIER_ATTEMPT, **times}]
    return fields
