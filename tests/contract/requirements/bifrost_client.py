"""Bifrost's document as the API that the gateway serves to clients."""

import base64
from functools import partial
from typing import Any

from rushes.jobs.request import Role
from rushes.jobs.result import JobError
from rushes.jobs.status import JobStatus
from tests.contract.requirements.bench import Bench
from tests.contract.requirements.requirement import Requirements
from tests.harness import MP4_BYTES
from tests.published import BIFROST, problems
from tests.unit.dialects.api_client import PNG, Reply

BIFROST_CLIENT = requires = Requirements("bifrost", "client")

FIELDS = {"model": "openai/sora-2", "prompt": "a kite", "seconds": "4", "size": "1280x720"}
UNKNOWN = "job_018bcfe56800000000000000:openai"
DATA_URL = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"


def create(bench: Bench, **fields: Any) -> Any:
    body = {name: value for name, value in {**FIELDS, **fields}.items() if value is not None}
    return bench.ok("POST", BIFROST, body)


def refused(bench: Bench, status: int, method: str, path: str, body: Any = None) -> Reply:
    """Check for an error response that matches the published BifrostError."""
    answered = bench.refused(status, method, f"{BIFROST}{path}", body)
    assert answered.json["is_bifrost_error"] is True
    assert answered.json["status_code"] == status
    assert answered.json["error"]["message"]
    return answered


def completed(bench: Bench, **fields: Any) -> str:
    video_id: str = create(bench, **fields)["id"]
    bench.complete(video_id)
    return video_id


def retrieved(bench: Bench, video_id: str) -> Any:
    return bench.ok("GET", f"{BIFROST}/{video_id}")


def assert_published(body: Any, verb: str, status: int = 200) -> None:
    assert problems(body, BIFROST, verb, status) == []


@requires("create", "POST /v1/videos takes JSON and answers 200 with a VideoGenerationResponse.")
def _(bench: Bench) -> None:
    assert_published(create(bench), "post ")


@requires("create-at-once", "It returns at once, with a job id.")
def _(bench: Bench) -> None:
    created = create(bench)
    assert created["id"]
    assert created["status"] == "queued"
    assert bench.sent() == []


@requires("model-needed", "model is required (400).")
def _(bench: Bench) -> None:
    refused(bench, 400, "POST", "", {"prompt": "a kite"})


@requires("prompt-needed", "prompt is required (400).")
def _(bench: Bench) -> None:
    refused(bench, 400, "POST", "", {"model": "openai/sora-2"})


@requires("body-needed", "A request body is required (400).")
def _(bench: Bench) -> None:
    refused(bench, 400, "POST", "")


@requires("bad-json", "A body that is not JSON is a BadRequest (400).")
def _(bench: Bench) -> None:
    refused(bench, 400, "POST", "", "{")


@requires("bad-request", "A 400 response is a BifrostError.")
def _(bench: Bench) -> None:
    assert_published(
        refused(bench, 400, "POST", "", {"model": "x", "prompt": "x"}).json, "post ", 400
    )


@requires("internal-error", "A 500 response is a BifrostError.")
def _(bench: Bench) -> None:
    bench.caller.jobs.before_write = None
    bench.caller.jobs.get = _broken  # type: ignore[method-assign]
    answered = bench.call("GET", f"{BIFROST}/{UNKNOWN}")
    assert answered.status == 500
    assert_published(answered.json, "get /{video_id}", 500)


def _broken(account: str, job_id: str) -> None:
    raise RuntimeError(account + job_id)


def check_authentication(bench: Bench, name: str, scheme: str) -> None:
    key = bench.caller.key
    value = base64.b64encode(f"{key}:".encode()).decode() if scheme == "Basic " else key
    headers = {"content-type": "application/json", name: scheme + value}
    answered = bench.caller.raw("GET", BIFROST, None, headers, {"provider": "openai"})
    assert answered.status == 200, answered


for _scheme, (_name, _prefix) in {
    "BearerAuth": ("authorization", "Bearer "),
    "BasicAuth": ("authorization", "Basic "),
    "VirtualKeyAuth": ("x-bf-vk", ""),
    "ApiKeyAuth": ("x-api-key", ""),
}.items():
    requires.add(
        f"security-{_scheme}",
        f"{_scheme} ({_name}: {_prefix or ''}key) authenticates.",
        partial(check_authentication, name=_name, scheme=_prefix),
    )


@requires("field-model", "model is provider/model.")
def _(bench: Bench) -> None:
    created = create(bench)
    assert (created["model"], bench.job(created["id"]).provider) == ("openai/sora-2", "openai")


@requires("field-seconds", "seconds is a text.")
def _(bench: Bench) -> None:
    assert create(bench, seconds="8")["seconds"] == "8"


@requires("field-size", "size is WIDTHxHEIGHT.")
def _(bench: Bench) -> None:
    assert create(bench, size="720x1280")["size"] == "720x1280"


@requires("field-input-reference", "input_reference is an image as data URL.")
def _(bench: Bench) -> None:
    job = bench.job(create(bench, input_reference=DATA_URL)["id"])
    assert [given.role for given in job.request.inputs] == [Role.IMAGE]


SANDBOX = {"model": "sandbox/sandbox-1"}
"""A model with these optional fields."""


@requires("field-negative-prompt", "negative_prompt reaches the job.")
def _(bench: Bench) -> None:
    job = bench.job(create(bench, **SANDBOX, negative_prompt="rain")["id"])
    assert job.request.negative_prompt == "rain"


@requires("field-seed", "seed reaches the job.")
def _(bench: Bench) -> None:
    assert bench.job(create(bench, **SANDBOX, seed=7)["id"]).request.seed == 7


@requires("field-audio", "audio reaches the job as whether to generate sound.")
def _(bench: Bench) -> None:
    fields = {"model": "fal/fal-ai/veo3.1", "seconds": "8", "audio": False}
    assert bench.job(create(bench, **fields)["id"]).request.generate_audio is False


@requires("field-video-uri", "video_uri names a video to start from.")
def _(bench: Bench) -> None:
    job = bench.job(create(bench, **SANDBOX, video_uri="https://videos.example/source.mp4")["id"])
    assert [given.role for given in job.request.inputs] == [Role.SOURCE_VIDEO]


@requires("field-fallbacks", "fallbacks are {provider, model} to try in turn.")
def _(bench: Bench) -> None:
    fallbacks = [{"provider": "sandbox", "model": "sandbox-1"}]
    job = bench.job(create(bench, fallbacks=fallbacks)["id"])
    assert job.fallbacks == ("sandbox/sandbox-1",)


@requires("field-unknown", "A further field reaches the provider if its model has it.")
def _(bench: Bench) -> None:
    fields = {"model": "vllm/wan-2.2-t2v", "seconds": "5", "num_frames": 81}
    job = bench.job(create(bench, **fields)["id"])
    assert job.request.provider_options == {"num_frames": 81}


@requires("list", "GET /v1/videos?provider=… answers 200 with a VideoListResponse.")
def _(bench: Bench) -> None:
    create(bench)
    assert_published(bench.ok("GET", f"{BIFROST}?provider=openai"), "get ")


@requires("list-provider-needed", "provider is required (400).")
def _(bench: Bench) -> None:
    assert_published(refused(bench, 400, "GET", "").json, "get ", 400)


@requires("list-provider", "Only jobs of the provider are listed.")
def _(bench: Bench) -> None:
    video_id = create(bench)["id"]
    create(bench, **SANDBOX)
    listed = bench.ok("GET", f"{BIFROST}?provider=openai")["data"]
    assert [video["id"] for video in listed] == [video_id]


def listed(bench: Bench, query: str) -> list[str]:
    data = bench.ok("GET", f"{BIFROST}?provider=openai{query}")["data"]
    return [video["id"] for video in data]


def several(bench: Bench, count: int) -> list[str]:
    ids = []
    for _ in range(count):
        ids.append(create(bench)["id"])
        bench.caller.clock.advance(1)
    return ids


@requires("list-after", "after is the id of the last item of the page before.")
def _(bench: Bench) -> None:
    first, second, third = several(bench, 3)
    assert listed(bench, f"&limit=1&after={third}") == [second]
    assert listed(bench, f"&after={second}") == [first]


@requires("list-limit", "limit is the number of results.")
def _(bench: Bench) -> None:
    several(bench, 3)
    assert len(listed(bench, "&limit=2")) == 2


def check_refused(bench: Bench, path: str) -> None:
    refused(bench, 400, "GET", path)


for _name, _query, _text in (
    ("limit-min", "&limit=0", "limit is at least 1 (400)."),
    ("limit-max", "&limit=101", "limit is at most 100 (400)."),
    ("limit-integer", "&limit=x", "limit is an integer (400)."),
    ("order-enum", "&order=up", "order is asc or desc (400)."),
):
    requires.add(f"list-{_name}", _text, partial(check_refused, path=f"?provider=openai{_query}"))


@requires("list-limit-100", "limit may be 100.")
def _(bench: Bench) -> None:
    create(bench)
    assert len(listed(bench, "&limit=100")) == 1


@requires("list-limit-default", "limit is 20 by default.")
def _(bench: Bench) -> None:
    several(bench, 21)
    assert len(listed(bench, "")) == 20


@requires("list-order-default", "The newest job comes first by default, as with order=desc.")
def _(bench: Bench) -> None:
    ids = several(bench, 3)
    assert listed(bench, "") == listed(bench, "&order=desc") == ids[::-1]


@requires("list-order-asc", "With order=asc the oldest job comes first.")
def _(bench: Bench) -> None:
    assert several(bench, 3) == listed(bench, "&order=asc")


@requires("list-has-more", "has_more is true until the last page.")
def _(bench: Bench) -> None:
    several(bench, 3)
    pages = [bench.ok("GET", f"{BIFROST}?provider=openai&limit={limit}") for limit in (2, 3)]
    assert [page["has_more"] for page in pages] == [True, False]


@requires("retrieve", "GET /v1/videos/{video_id} answers 200 with a VideoGenerationResponse.")
def _(bench: Bench) -> None:
    assert_published(retrieved(bench, create(bench)["id"]), "get /{video_id}")


@requires("id-format", "The id of a video is `id:provider`.")
def _(bench: Bench) -> None:
    assert create(bench)["id"].endswith(":openai")


@requires("id-source-format", "The id of a remix's source is `id:provider`, too.")
def _(bench: Bench) -> None:
    source = completed(bench, **SANDBOX)
    remix = bench.ok("POST", f"{BIFROST}/{source}/remix", {"prompt": "dusk"})
    assert remix["remixed_from_video_id"] == source


@requires("id-colons", "The first colon ends the id, as in `video:azure:west`.")
def _(bench: Bench) -> None:
    job_id = create(bench)["id"].partition(":")[0]
    repeated = bench.call("GET", f"{BIFROST}/{job_id}:openai:openai")
    assert repeated.status == 200, repeated
    other = bench.call("GET", f"{BIFROST}/{job_id}:azure:west")
    assert "unknown provider azure:west" in other.text


@requires("retrieve-bad-id", "A malformed id is a 400 response.")
def _(bench: Bench) -> None:
    job_id = create(bench)["id"].partition(":")[0]
    refused(bench, 400, "GET", f"/{job_id}:")


@requires("retrieve-unknown", "An unknown video is a 404 response with a BifrostError.")
def _(bench: Bench) -> None:
    assert_published(refused(bench, 404, "GET", f"/{UNKNOWN}").json, "get /{video_id}", 404)


@requires("status-queued", "The status is queued until the generation begins.")
def _(bench: Bench) -> None:
    assert retrieved(bench, create(bench)["id"])["status"] == "queued"


@requires("status-in-progress", "The status is in_progress during the generation, with progress.")
def _(bench: Bench) -> None:
    job = bench.job(create(bench)["id"])
    bench.caller.submitted(job.id)
    bench.caller.change(job.id, lambda job: job.progressed(bench.caller.clock(), 40))
    video = retrieved(bench, job.id)
    assert (video["status"], video["progress"]) == ("in_progress", 40)


@requires("status-completed", "The status is completed at the end.")
def _(bench: Bench) -> None:
    assert retrieved(bench, completed(bench))["status"] == "completed"


@requires("completed-url", "A completed video has a URL to download it.")
def _(bench: Bench) -> None:
    (video,) = retrieved(bench, completed(bench))["videos"]
    assert (video["type"], video["content_type"]) == ("url", "video/mp4")
    assert bench.caller.blobs.read(bench.caller.blobs.key_of(video["url"]) or "") == MP4_BYTES


def failed(bench: Bench, code: str) -> Any:
    job = bench.job(create(bench)["id"])
    error = JobError(code=code, message="not that")
    return retrieved(bench, bench.end(job, JobStatus.FAILED, error))


@requires("status-failed", "A failed video has the status failed and an error of code and message.")
def _(bench: Bench) -> None:
    video = failed(bench, "upstream_failed")
    assert video["status"] == "failed"
    assert video["error"] == {"code": "upstream_failed", "message": "not that"}


@requires("content-filter", "content_filter reports what a safety filter withheld.")
def _(bench: Bench) -> None:
    assert failed(bench, "content_filtered")["content_filter"]["filtered_count"] == 1


@requires("times", "created_at, completed_at and expires_at are Unix seconds.")
def _(bench: Bench) -> None:
    video = retrieved(bench, completed(bench))
    times = [video["created_at"], video["completed_at"], video["expires_at"]]
    assert all(isinstance(time, int) for time in times)
    assert times == sorted(times)


@requires("extra-fields", "extra_fields has the request type, provider and model.")
def _(bench: Bench) -> None:
    extra = create(bench)["extra_fields"]
    assert (extra["request_type"], extra["provider"]) == ("video_generation", "openai")
    assert extra["model_requested"] == "openai/sora-2"


@requires("delete", "DELETE /v1/videos/{video_id} answers 200 with a VideoDeleteResponse.")
def _(bench: Bench) -> None:
    video_id = completed(bench)
    deleted = bench.ok("DELETE", f"{BIFROST}/{video_id}")
    assert_published(deleted, "delete /{video_id}")
    assert (deleted["id"], deleted["deleted"]) == (video_id, True)


@requires("delete-assets", "It deletes the assets, too.")
def _(bench: Bench) -> None:
    video_id = completed(bench)
    bench.ok("DELETE", f"{BIFROST}/{video_id}")
    assert bench.caller.blobs.objects == {}


@requires("delete-final", "It cannot be undone: afterwards the video is unknown (404).")
def _(bench: Bench) -> None:
    video_id = completed(bench)
    bench.ok("DELETE", f"{BIFROST}/{video_id}")
    refused(bench, 404, "GET", f"/{video_id}")
    refused(bench, 404, "DELETE", f"/{video_id}")


@requires("delete-unknown", "The delete of an unknown video is 404 with a BifrostError.")
def _(bench: Bench) -> None:
    assert_published(refused(bench, 404, "DELETE", f"/{UNKNOWN}").json, "delete /{video_id}", 404)


@requires("delete-bad-id", "The delete of a malformed id is 400.")
def _(bench: Bench) -> None:
    refused(bench, 400, "DELETE", f"/{completed(bench).partition(':')[0]}:")


def content(bench: Bench, video_id: str, query: str = "") -> bytes:
    """Download content as a client that follows redirects does."""
    answered = bench.call("GET", f"{BIFROST}/{video_id}/content{query}")
    assert answered.status == 302, answered
    key = bench.caller.blobs.key_of(answered.headers["location"])
    assert key
    return bench.caller.blobs.read(key)


@requires("content", "GET …/content is the binary content, video/mp4, of a completed video.")
def _(bench: Bench) -> None:
    assert content(bench, completed(bench)) == MP4_BYTES


@requires("content-200", "The content comes with the response itself (200).")
def _(bench: Bench) -> None:
    assert bench.call("GET", f"{BIFROST}/{completed(bench)}/content").status == 200


@requires("content-early", "The content of a video that is not completed is 404.")
def _(bench: Bench) -> None:
    answered = refused(bench, 404, "GET", f"/{create(bench)['id']}/content")
    assert_published(answered.json, "get /{video_id}/content", 404)


@requires("content-unknown", "The content of an unknown video is 404.")
def _(bench: Bench) -> None:
    refused(bench, 404, "GET", f"/{UNKNOWN}/content")


@requires("content-bad-id", "The content of a malformed id is 400.")
def _(bench: Bench) -> None:
    refused(bench, 400, "GET", f"/{completed(bench).partition(':')[0]}:/content")


@requires("variant-video", "variant=video is the video.")
def _(bench: Bench) -> None:
    assert content(bench, completed(bench), "?variant=video") == MP4_BYTES


def check_variant(bench: Bench, variant: str) -> None:
    """Some providers have no such variant: the document says "provider-specific"."""
    answered = bench.call("GET", f"{BIFROST}/{completed(bench)}/content?variant={variant}")
    assert answered.status in (200, 302), answered


for _variant in ("thumbnail", "spritesheet"):
    requires.add(
        f"variant-{_variant}",
        f"variant={_variant} is the {_variant} of the video.",
        partial(check_variant, variant=_variant),
    )


@requires("variant-enum", "Another variant is 400.")
def _(bench: Bench) -> None:
    refused(bench, 400, "GET", f"/{completed(bench)}/content?variant=poster")


@requires("remix", "POST …/remix with a prompt answers 200 with a new job.")
def _(bench: Bench) -> None:
    source = completed(bench, **SANDBOX)
    remix = bench.ok("POST", f"{BIFROST}/{source}/remix", {"prompt": "dusk"})
    assert_published(remix, "post /{video_id}/remix")
    assert remix["id"] != source


@requires("remix-prompt-needed", "prompt is required (400).")
def _(bench: Bench) -> None:
    refused(bench, 400, "POST", f"/{completed(bench)}/remix", {})


@requires("remix-early", "The source of a remix must be completed.")
def _(bench: Bench) -> None:
    refused(bench, 400, "POST", f"/{create(bench)['id']}/remix", {"prompt": "dusk"})


@requires("remix-unknown", "The remix of an unknown video is 404 with a BifrostError.")
def _(bench: Bench) -> None:
    answered = refused(bench, 404, "POST", f"/{UNKNOWN}/remix", {"prompt": "dusk"})
    assert_published(answered.json, "post /{video_id}/remix", 404)


@requires("remix-fallbacks", "A remix takes fallbacks.")
def _(bench: Bench) -> None:
    source = completed(bench, **SANDBOX)
    body = {"prompt": "dusk", "fallbacks": [{"provider": "sandbox", "model": "sandbox-1-pro"}]}
    remix = bench.ok("POST", f"{BIFROST}/{source}/remix", body)
    assert bench.job(remix["id"]).fallbacks == ("sandbox/sandbox-1-pro",)
