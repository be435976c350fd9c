"""Real models get the arguments that their vendors publish, and their videos are stored.

Requests come in through a dialect and go out over HTTP, to servers that enforce the published
schemas: the sandbox for fal and Together, `replicate_service` for Replicate. All models are still
sold, so that none is substituted; Together's list of October 2026 lacks veo-3.0.
"""

import base64
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from PIL import Image
from typing_extensions import override

from rushes.catalog.compile import compile_tables
from rushes.catalog.models import Catalog
from rushes.http.client import SafeHttpClient
from rushes.jobs.job import Job
from rushes.jobs.status import JobStatus
from rushes.ports.http import HttpCall, HttpReply, Upstream
from rushes.providers import adapter
from rushes.workflow.call_counts import CallCounter
from rushes.workflow.collect import Collect
from rushes.workflow.concurrency import Concurrency
from rushes.workflow.event_publisher import EventPublisher
from rushes.workflow.fetch_inputs import FetchInputs
from rushes.workflow.finish import Finish
from rushes.workflow.poll import Poll
from rushes.workflow.provider_client import ProviderClient
from rushes.workflow.rate_limiter import RateLimiter
from rushes.workflow.slots import JobSlots
from rushes.workflow.submit import Submit
from rushes.workflow.task import JobContext
from tests.fakes import (
    FakeAccountSlots,
    FakeBus,
    FakeProviderCalls,
    FakeRateLimits,
    FakeTimings,
    FakeUpstreams,
    FixedCatalogs,
)
from tests.integration.replicate_service import running_replicate
from tests.integration.sandbox_client import KEY, running_sandbox
from tests.unit.dialects.api_client import OPENAI, Caller
from tests.waiting import wait_for

PROMPT = "A fox in the snow"
FILE = "a file"
"""Expected in place of an image."""


class Case(NamedTuple):
    """A request and the arguments that the vendor must get."""

    model: str
    fields: dict[str, Any]
    frames: int
    """Number of images: the first frame, then the last."""
    expected: dict[str, Any]


TWELVE = (
    Case("fal/fal-ai/veo3.1/fast", {"seconds": "8"}, 0, {"duration": "8s"}),
    Case(
        "fal/fal-ai/veo3.1/fast/image-to-video",
        {"seconds": "8", "size": "3840x2160"},
        1,
        {"duration": "8s", "resolution": "4k", "aspect_ratio": "16:9", "image_url": FILE},
    ),
    Case(
        "fal/fal-ai/veo3.1/fast/first-last-frame-to-video",
        {"seconds": "8"},
        2,
        {"first_frame_url": FILE, "last_frame_url": FILE},
    ),
    Case("fal/fal-ai/ltx-2/text-to-video/fast", {"seconds": "6"}, 0, {"duration": 6}),
    Case(
        "fal/fal-ai/kling-video/v2.6/pro/image-to-video",
        {"seconds": "5"},
        1,
        {"start_image_url": FILE, "duration": "5"},
    ),
    Case("fal/fal-ai/kling-video/v2.6/pro/text-to-video", {"seconds": "5"}, 0, {"duration": "5"}),
    Case(
        "fal/fal-ai/minimax/hailuo-02/standard/image-to-video",
        {"seconds": "6", "size": "1366x768"},
        1,
        {"resolution": "768P", "image_url": FILE},
    ),
    Case("replicate/minimax/hailuo-2.3", {"seconds": "6"}, 1, {"first_frame_image": FILE}),
    Case("replicate/kwaivgi/kling-v2.1", {"seconds": "5"}, 1, {"start_image": FILE}),
    Case("replicate/google/veo-3.1-fast", {"seconds": "8"}, 0, {"duration": 8}),
    Case("together/google/veo-3.0", {"seconds": "8", "size": "1280x720"}, 0, {"seconds": "8"}),
    Case("together/minimax/hailuo-02", {"seconds": "6", "size": "1366x768"}, 0, {"height": 768}),
)
ALIKE = (
    Case("fal/fal-ai/veo3.1/fast", {"size": "3840x2160"}, 0, {"resolution": "4k"}),
    Case("fal/fal-ai/sora-2/text-to-video", {"seconds": "4"}, 0, {"duration": 4}),
    Case("fal/fal-ai/kling-video/v3/pro/image-to-video", {}, 1, {"start_image_url": FILE}),
    Case("fal/fal-ai/kling-video/o1/image-to-video", {}, 1, {"start_image_url": FILE}),
    Case(
        "fal/fal-ai/kling-video/v2.5-turbo/pro/image-to-video",
        {},
        2,
        {"image_url": FILE, "tail_image_url": FILE},
    ),
    Case("fal/fal-ai/wan/v2.2-a14b/text-to-video", {"seconds": "4"}, 0, {"num_frames": 65}),
    Case("replicate/minimax/hailuo-2.3", {"seconds": "6"}, 0, {"duration": 6}),
)
"""Further models, or requests, with the same mistakes."""
UNNAMED = {
    "replicate/minimax/hailuo-2.3": {"image", "aspect_ratio"},
    "replicate/kwaivgi/kling-v2.1": {"image"},
}
"""Arguments that the vendor does not have, by model."""


class RecordingHttpClient(SafeHttpClient):
    """Keeps the bodies of the create calls."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.created: list[Any] = []

    @override
    def send(self, upstream: Upstream, call: HttpCall) -> HttpReply:
        if call.method == "POST":
            self.created.append(call.json)
        return super().send(upstream, call)


class CatalogUpstreams(FakeUpstreams):
    """Upstreams of a catalog's providers, all with one key."""

    def __init__(self, catalog: Catalog) -> None:
        super().__init__()
        self._providers = catalog.providers

    @override
    def find(self, job: Job) -> Upstream:
        entry = self._providers[job.provider]
        profile = adapter(entry).profile
        headers = {profile.key_header: f"{profile.key_scheme} {KEY}"}
        return Upstream(entry.base_url or "", headers)


@dataclass
class Workflow:
    """The tasks of the state machine, with real HTTP and in-memory ports."""

    caller: Caller
    catalog: Catalog
    http_client: RecordingHttpClient = field(init=False)

    def __post_init__(self) -> None:
        self.http_client = RecordingHttpClient(self.caller.blobs, local_mode=True)

    def run(self, job: Job) -> Job:
        """Run a job to its end."""
        caller, catalogs = self.caller, FixedCatalogs(self.catalog)
        publisher, timings = EventPublisher(caller.jobs, FakeBus(), caller.clock), FakeTimings()
        context = JobContext(caller.jobs, publisher, catalogs, caller.clock)
        upstreams = CatalogUpstreams(self.catalog)
        counter = CallCounter(FakeProviderCalls(), caller.clock)
        providers = ProviderClient(upstreams, self.http_client, catalogs, adapter, counter)
        slots = JobSlots(FakeAccountSlots(), caller.clock)
        limiter = RateLimiter(FakeRateLimits(), catalogs, caller.clock, caller.clock.advance)
        fetch_inputs = FetchInputs(context, self.http_client, caller.blobs, slots)
        names = job.account, job.id
        concurrency = Concurrency(caller.jobs.limits, catalogs, caller.clock)
        submit = Submit(context, providers, limiter, fetch_inputs, timings, concurrency)
        step = submit.run(*names)
        poll = Poll(context, providers, caller.blobs, timings)

        def polled() -> str:
            status = poll.run(*names)["status"]
            return "" if status == "pending" else status

        status = step["status"]
        if status == "submitted":
            status = wait_for(polled)
        if status == "succeeded":
            Collect(context, providers, caller.blobs, slots).run(*names)
        finish = Finish(caller.jobs, caller.blobs, timings, publisher, caller.clock, "media", 60)
        finish.run(*names, job.execution_name)
        ended = caller.jobs.get(*names)
        assert ended is not None
        return ended


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    folder: Path = tmp_path_factory.mktemp("sandbox")
    with running_sandbox(folder) as (sandbox, _), running_replicate() as replicate:
        urls = {"fal": f"{sandbox}/fal", "together": f"{sandbox}/together", "replicate": replicate}
        yield compile_tables(
            {
                "default_model": TWELVE[0].model,
                "providers": {
                    name: {"models": ["*"], "base_url": url} for name, url in urls.items()
                },
            }
        )


@pytest.fixture
def workflow(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> Workflow:
    return Workflow(Caller(monkeypatch, catalog), catalog)


def image() -> str:
    content = io.BytesIO()
    Image.new("RGB", (1280, 720), "teal").save(content, "PNG")
    return f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode()}"


def create(caller: Caller, case: Case) -> Job:
    """Create a job in OpenAI's API, or in Together's if there is a last frame."""
    body = {"model": case.model, "prompt": PROMPT, **case.fields}
    if case.frames == 2:
        media = {"frame_images": [{"input_image": image()}, {"input_image": image()}]}
        return caller.job(caller.call("POST", "/v2/videos", {**body, "media": media}))
    if case.frames:
        body["input_reference"] = {"image_url": image()}
    return caller.job(caller.call("POST", OPENAI, body))


def arguments(body: Any) -> dict[str, Any]:
    """Return the arguments of a create call, with `FILE` in place of files."""
    found = body.get("input", body)
    simple = (str, int, float, bool, list, dict)
    return {name: value if isinstance(value, simple) else FILE for name, value in found.items()}


@pytest.mark.parametrize("case", [*TWELVE, *ALIKE], ids=lambda case: case.model)
def test_model_accepts_the_request_and_makes_a_video(workflow: Workflow, case: Case) -> None:
    job = workflow.run(create(workflow.caller, case))
    assert job.status is JobStatus.COMPLETED, job.error
    (video,) = job.artifacts
    assert video.content_type == "video/mp4"
    assert workflow.caller.blobs.objects[video.key][4:8] == b"ftyp"
    (created,) = workflow.http_client.created
    sent = arguments(created)
    assert {name: sent.get(name) for name in case.expected} == case.expected
    assert not UNNAMED.get(case.model, set()).intersection(sent)


def test_twelve_models_are_tried() -> None:
    assert len({case.model for case in TWELVE}) == 12


@pytest.mark.parametrize(
    ("name", "arguments", "refusal"),
    [
        ("fal/fal-ai/veo3.1/fast", {"duration": "8"}, "'4s', '6s' or '8s'"),
        ("replicate/kwaivgi/kling-v2.1", {"image": "https://a.example/1.png"}, "start_image"),
        ("together/google/veo-3.0", {"seconds": 8}, "seconds"),
    ],
)
def test_servers_refuse_what_is_not_published(
    workflow: Workflow, name: str, arguments: dict[str, Any], refusal: str
) -> None:
    provider, _, upstream = name.partition("/")
    entry = workflow.catalog.providers[provider]
    path, body = {
        "fal": (f"/{upstream}", {"prompt": PROMPT, **arguments}),
        "replicate": (
            f"/models/{upstream}/predictions",
            {"input": {"prompt": PROMPT, **arguments}},
        ),
        "together": ("/v2/videos", {"model": upstream, "prompt": PROMPT, **arguments}),
    }[provider]
    headers = {"authorization": f"{adapter(entry).profile.key_scheme} {KEY}"}
    upstream_of = Upstream(entry.base_url or "", headers)
    reply = workflow.http_client.send(upstream_of, HttpCall("POST", path, json=body))
    assert reply.status in (400, 422)
    assert refusal in reply.body.decode()
