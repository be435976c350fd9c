"""Together's video API: what its create call may say, and what is answered."""

import base64
import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from rushes.catalog.models import read_catalog
from rushes.jobs.job import Job
from rushes.jobs.request import Input, Role
from rushes.jobs.result import JobError
from rushes.jobs.status import JobStatus
from tests.unit.dialects.api_client import FILM, PNG, Caller, Reply, assert_refused

CATALOG = read_catalog("""
default_model = "together/all"
[providers.together]
protocol = "together"
[aliases]
short = "together/all"
[[models]]
name = "together/all"
seconds = [4, 8]
sizes = ["1280x720", "720x1280"]
options = ["seed", "negative_prompt", "generate_audio", "fps", "steps", "guidance_scale",
    "output_format", "output_quality", "camera"]
inputs = ["image", "last_frame", "reference", "source_video", "audio"]
needs_prompt = false
price_per_second = 0.07
[[models]]
name = "together/plain"
options = ["resolution", "ratio"]
""")
PATHS = ("/v2/videos", "/v1/v2/videos")
ADDRESS = "https://files.example/one?width=1#top"
BARE = base64.b64encode(PNG).decode()
DATA = f"data:image/png;base64,{BARE}"
SOUND = "data:audio/mpeg;base64," + base64.b64encode(b"ID3\x04" + bytes(16)).decode()
MOVIE = "data:video/mp4;base64," + base64.b64encode(FILM).decode()
SMALL = {"model": "together/all", "prompt": "a cat"}

# What the published schema says of a VideoJob, told in our own words. The one liberty that we take
# is Together's own as well: a cost may have a fraction.
TEXT = {"type": "string"}
VIDEO_JOB = {
    "type": "object",
    "additionalProperties": False,
    "required": ["id", "model", "status", "size", "seconds", "created_at"],
    "properties": {
        **dict.fromkeys(("id", "model", "size", "seconds"), TEXT),
        "object": {"const": "video"},
        "status": {"enum": ["in_progress", "completed", "failed"]},
        "created_at": {"type": "number"},
        "completed_at": {"type": "number"},
        "error": {
            "type": "object",
            "additionalProperties": False,
            "required": ["message"],
            "properties": {"code": TEXT, "message": TEXT},
        },
        "outputs": {
            "type": "object",
            "additionalProperties": False,
            "required": ["cost", "video_url"],
            "properties": {"cost": {"type": "number"}, "video_url": TEXT},
        },
    },
}


@pytest.fixture
def caller(monkeypatch: pytest.MonkeyPatch) -> Caller:
    made = Caller(monkeypatch)
    made.use(CATALOG)
    return made


@pytest.fixture(params=PATHS)
def base(request: pytest.FixtureRequest) -> str:
    path: str = request.param
    return path


def create(caller: Caller, path: str = PATHS[0], **fields: Any) -> Reply:
    return caller.call("POST", path, {**SMALL, **fields})


def accepted(caller: Caller, **fields: Any) -> Job:
    reply = create(caller, **fields)
    assert reply.status == 200, reply
    return caller.job(reply)


def ended(caller: Caller, status: JobStatus, error: JobError | None = None) -> str:
    """The id of a job that has come to its end."""
    caller.create = lambda *_, **__: create(caller)  # type: ignore[method-assign]
    return caller.ended(status, error)


def assert_published(reply: Reply) -> None:
    assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
    assert [*Draft202012Validator(VIDEO_JOB).iter_errors(reply.json)] == []


def test_a_create_call_is_answered_with_a_job_in_progress(caller: Caller, base: str):
    reply = create(caller, base)
    job = caller.job(reply)
    assert_published(reply)
    assert reply.json == {
        "id": job.id,
        "object": "video",
        "model": "together/all",
        "status": "in_progress",
        "created_at": int(job.created_at),
        "size": "1280x720",
        "seconds": "4",
    }
    assert (job.dialect, job.provider) == ("together", "together")
    assert caller.executions.running == {job.id: True}


def test_every_published_field_is_understood(caller: Caller):
    job = accepted(
        caller,
        width=720,
        height=1280,
        seconds="8",
        seed=0,
        negative_prompt="dogs",
        generate_audio=False,
        fps=30,
        steps=30,
        guidance_scale=8,
        output_format="WEBM",
        output_quality=20,
    )
    request = job.request
    assert (request.size, request.seconds, request.seed) == ("720x1280", 8, 0)
    assert (request.negative_prompt, request.generate_audio) == ("dogs", False)
    assert request.provider_options == {
        "fps": 30,
        "steps": 30,
        "guidance_scale": 8,
        "output_format": "WEBM",
        "output_quality": 20,
    }


def test_a_guidance_scale_may_have_a_fraction_as_in_older_sdks(caller: Caller):
    assert accepted(caller, guidance_scale=7.5).request.provider_options["guidance_scale"] == 7.5


def test_a_field_that_only_the_provider_knows_reaches_it_where_the_catalog_lists_it(caller: Caller):
    assert accepted(caller, camera={"pan": 1}).request.provider_options == {"camera": {"pan": 1}}


def test_a_model_without_sizes_is_asked_by_resolution_and_shows_it(caller: Caller):
    reply = create(caller, model="together/plain", resolution="720p", ratio="16:9")
    assert caller.job(reply).request.provider_options == {"resolution": "720p", "ratio": "16:9"}
    assert_published(reply)
    assert (reply.json["size"], reply.json["seconds"]) == ("720p", "")


def test_what_a_job_does_not_have_is_shown_as_empty_text(caller: Caller):
    """The two fields are required, whatever the model."""
    reply = create(caller, model="together/plain")
    assert_published(reply)
    assert (reply.json["size"], reply.json["seconds"]) == ("", "")


def test_a_prompt_may_be_absent_where_the_model_needs_none(caller: Caller):
    assert caller.call("POST", PATHS[0], {"model": "short"}).status == 200
    reply = caller.call("POST", PATHS[0], {"model": "together/plain"})
    assert_refused(reply, "/openai/v1/videos", 400)
    assert reply.param == "prompt"


FRAMES: tuple[tuple[list[Any], list[Role]], ...] = (
    (["first"], [Role.IMAGE]),
    (["last"], [Role.LAST_FRAME]),
    ([0], [Role.IMAGE]),
    ([0.0], [Role.IMAGE]),
    ([None], [Role.IMAGE]),
    ([None, None], [Role.IMAGE, Role.LAST_FRAME]),
    (["last", "first"], [Role.LAST_FRAME, Role.IMAGE]),
    ([0, "last"], [Role.IMAGE, Role.LAST_FRAME]),
    (["first", None], [Role.IMAGE, Role.LAST_FRAME]),
)


def frame_images(frames: list[Any]) -> list[dict[str, Any]]:
    return [
        {"input_image": ADDRESS, **({} if frame is None else {"frame": frame})} for frame in frames
    ]


@pytest.mark.parametrize(("frames", "roles"), FRAMES)
def test_pictures_for_the_first_and_the_last_frame_are_taken(
    caller: Caller, frames: list[Any], roles: list[Role]
):
    expected = tuple(Input(role=role, url=ADDRESS) for role in roles)
    new = accepted(caller, media={"frame_images": frame_images(frames)})
    old = accepted(caller, frame_images=frame_images(frames))
    assert new.request.inputs == old.request.inputs == expected


@pytest.mark.parametrize(
    "frames",
    [
        [48], [1], [-1], ["middle"], ["0"], [True], [False], [[]], [{}],
        [None, None, None], ["first", "first"], [0, "first"], ["last", None], [None, "first"],
    ],
)  # fmt: skip
def test_other_frames_are_refused(caller: Caller, frames: list[Any]):
    for fields, param in (
        ({"media": {"frame_images": frame_images(frames)}}, "media.frame_images"),
        ({"frame_images": frame_images(frames)}, "frame_images"),
    ):
        reply = create(caller, **fields)
        assert_refused(reply, "/openai/v1/videos", 400)
        assert reply.param == param
    assert caller.traces() == ({}, {}, {})


@pytest.mark.parametrize("written", [DATA, BARE])
def test_a_picture_may_be_sent_along(caller: Caller, written: str):
    """As a data URL, or in bare base64 as in Together's guide."""
    for fields, role in (
        ({"media": {"frame_images": [{"input_image": written}]}}, Role.IMAGE),
        ({"frame_images": [{"input_image": written}]}, Role.IMAGE),
        ({"media": {"reference_images": [written]}}, Role.REFERENCE),
        ({"reference_images": [written]}, Role.REFERENCE),
    ):
        file = accepted(caller, **fields).request.file(role)
        assert file
        assert (file.content_type, caller.blobs.objects[file.key]) == ("image/png", PNG)


def test_there_may_be_several_references_and_sounds(caller: Caller):
    media = {"reference_images": [ADDRESS, DATA], "audio_inputs": [SOUND, {"audio": ADDRESS}]}
    request = accepted(caller, media=media).request
    assert {(it.role, it.url is None) for it in request.inputs} == {
        *((Role.REFERENCE, False), (Role.REFERENCE, True)),
        *((Role.AUDIO, False), (Role.AUDIO, True)),
    }


@pytest.mark.parametrize("address", [ADDRESS, {"video": ADDRESS}])
def test_a_film_to_edit_may_be_pointed_at(caller: Caller, address: Any):
    request = accepted(caller, media={"source_video": address}).request
    assert request.inputs == (Input(role=Role.SOURCE_VIDEO, url=ADDRESS),)


@pytest.mark.parametrize("film", [MOVIE, {"video": MOVIE}])
def test_a_film_to_edit_may_be_sent_along(caller: Caller, film: Any):
    file = accepted(caller, media={"source_video": film}).request.file(Role.SOURCE_VIDEO)
    assert file
    assert file.content_type == "video/mp4"


REFUSED: tuple[tuple[dict[str, Any], str], ...] = (
    ({"model": None}, "model"),
    ({"model": ""}, "model"),
    ({"model": "together/none"}, "model"),
    ({"prompt": ""}, "prompt"),
    ({"prompt": "x" * 32_001}, "prompt"),
    ({"prompt": 5}, "prompt"),
    ({"width": 1280}, "height"),
    ({"height": 720}, "width"),
    ({"width": 1, "height": 1}, "width"),
    ({"width": 0, "height": 720}, "width"),
    ({"width": 1280, "height": True}, "height"),
    ({"width": 1280.5, "height": 720}, "width"),
    ({"seconds": "5"}, "seconds"),
    ({"seconds": "4.5"}, "seconds"),
    ({"seconds": True}, "seconds"),
    ({"fps": "fast"}, "fps"),
    ({"fps": False}, "fps"),
    ({"steps": 9}, "steps"),
    ({"steps": 51}, "steps"),
    ({"seed": 0.5}, "seed"),
    ({"guidance_scale": "much"}, "guidance_scale"),
    ({"guidance_scale": True}, "guidance_scale"),
    ({"output_format": "GIF"}, "output_format"),
    ({"output_quality": []}, "output_quality"),
    ({"negative_prompt": 5}, "negative_prompt"),
    ({"generate_audio": "perhaps"}, "generate_audio"),
    ({"resolution": "720p"}, "resolution"),
    ({"ratio": 1.5}, "ratio"),
    ({"size": "1280x720"}, "width"),
    ({"n": 2}, "n"),
    ({"model_config": 1}, "model_config"),
    ({"negative_prompt": "x" * 200_000}, "body"),
    ({"media": []}, "media"),
    ({"media": None}, "media"),
    ({"media": {"images": [ADDRESS]}}, "media.images"),
    ({"media": {"frame_images": [ADDRESS]}}, "media.frame_images.0"),
    ({"media": {"frame_images": [{}]}}, "media.frame_images.0.input_image"),
    ({"media": {"frame_images": [{"input_image": "cat.png"}]}}, "media.frame_images"),
    ({"media": {"frame_images": [{"input_image": "aac49721-1964"}]}}, "media.frame_images"),
    ({"media": {"frame_images": [{"input_image": "Y2F0"}]}}, "media.frame_images"),
    ({"media": {"frame_images": [{"input_image": MOVIE}]}}, "media.frame_images"),
    ({"media": {"frame_videos": [{"video": ADDRESS}]}}, "media.frame_videos"),
    ({"media": {"reference_videos": [{"video": ADDRESS}]}}, "media.reference_videos"),
    ({"media": {"reference_images": [5]}}, "media.reference_images.0"),
    ({"media": {"reference_images": ADDRESS}}, "media.reference_images"),
    ({"media": {"source_video": 5}}, "media.source_video"),
    ({"media": {"source_video": {"url": ADDRESS}}}, "media.source_video"),
    ({"media": {"source_video": DATA}}, "media.source_video"),
    ({"media": {"audio_inputs": [{"sound": ADDRESS}]}}, "media.audio_inputs"),
    ({"media": {"audio_inputs": [None]}}, "media.audio_inputs"),
    (
        {"reference_images": [ADDRESS], "media": {"reference_images": [ADDRESS]}},
        "reference_images",
    ),
    (
        {
            "frame_images": [{"input_image": ADDRESS}],
            "media": {"frame_images": [{"input_image": ADDRESS}]},
        },
        "frame_images",
    ),
    ({"model": "together/plain", "seconds": "4"}, "seconds"),
    ({"model": "together/plain", "width": 1280, "height": 720}, "width"),
    ({"model": "together/plain", "reference_images": [ADDRESS]}, "media"),
)


@pytest.mark.parametrize(
    ("fields", "param"), REFUSED, ids=lambda it: json.dumps(it)[:60] if it else None
)
def test_what_cannot_be_honoured_is_refused_by_name(
    caller: Caller, fields: dict[str, Any], param: str
):
    reply = create(caller, **fields)
    assert_refused(reply, "/openai/v1/videos")
    assert reply.param == param
    assert caller.traces() == ({}, {}, {})


def test_a_form_is_refused(caller: Caller, base: str):
    reply = caller.form(base, *SMALL.items())
    assert_refused(reply, "/openai/v1/videos", 400)
    assert reply.param == "content-type"


def test_only_a_key_opens(caller: Caller, base: str):
    for method, path in (("POST", base), ("GET", f"{base}/job_1")):
        reply = caller.call(method, path, {}, {"authorization": "Bearer wrong"})
        assert_refused(reply, "/openai/v1/videos", 401)


def test_a_job_of_somebody_else_is_not_there(caller: Caller, base: str):
    job_id = create(caller).json["id"]
    mine = caller.call("GET", f"{base}/{job_id}")
    other_account = {"authorization": f"Bearer {caller.other_accounts_key}"}
    for reply in (
        caller.call("GET", f"{base}/{job_id}", headers=other_account),
        caller.call("GET", f"{base}/job_1"),
    ):
        assert_refused(reply, "/openai/v1/videos", 404)
        assert (reply.code, reply.param) == ("not_found", "id")
    assert_published(mine)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("DELETE", "/job_1"), ("GET", "/job_1/content"), ("POST", "/job_1/cancel")],
)
def test_there_is_no_more_than_the_two_calls(caller: Caller, base: str, method: str, path: str):
    reply = caller.call(method, base + path)
    assert_refused(reply, "/openai/v1/videos", 404)
    assert reply.code == "unknown_url"


def test_a_completed_job_has_cost_and_a_fresh_link(caller: Caller, base: str):
    job_id = ended(caller, JobStatus.COMPLETED)
    reply = caller.call("GET", f"{base}/{job_id}")
    job = caller.jobs.get("alice", job_id)
    assert job
    assert_published(reply)
    assert reply.json["status"] == "completed"
    assert reply.json["completed_at"] == int(job.finished_at or 0)
    assert reply.json["outputs"]["cost"] == 0.28
    assert job.artifacts[0].key in reply.json["outputs"]["video_url"]
    assert "error" not in reply.json


@pytest.mark.parametrize(("cost", "written"), [(2.0, "2"), (0.5, "0.5"), (None, "0"), (0.0, "0")])
def test_a_whole_cost_is_an_integer(caller: Caller, cost: float | None, written: str):
    """So the schema has it; what is not whole stays a fraction."""
    job_id = ended(caller, JobStatus.COMPLETED)
    change = {"cost": cost}
    caller.jobs.change("alice", job_id, lambda job: job.warned(1, "x").model_copy(update=change))
    reply = caller.call("GET", f"{PATHS[0]}/{job_id}")
    assert f'"cost": {written},' in reply.text


def test_a_job_under_way_is_in_progress(caller: Caller):
    job = accepted(caller)
    caller.jobs.change(job.account, job.id, lambda job: job.submitted(1, {}, ()))
    reply = caller.call("GET", f"{PATHS[0]}/{job.id}")
    assert_published(reply)
    assert reply.json["status"] == "in_progress"


@pytest.mark.parametrize(
    ("status", "error", "told"),
    [
        (JobStatus.FAILED, JobError(code="c", message="m", upstream_code="u"), ("c", "m")),
        (JobStatus.CANCELLED, None, ("cancelled", "the job was cancelled")),
    ],
)
def test_a_job_that_did_not_make_it_has_failed(
    caller: Caller, status: JobStatus, error: JobError | None, told: tuple[str, str]
):
    reply = caller.call("GET", f"{PATHS[0]}/{ended(caller, status, error)}")
    assert_published(reply)
    assert reply.json["status"] == "failed"
    assert reply.json["error"] == {"code": told[0], "message": told[1]}
    assert "outputs" not in reply.json
