"""Replies of a provider, and input URLs, for the real submit, poll and collect tasks.

The HTTP client and the bucket are real; the tables are in memory.
"""

from collections.abc import Callable
from typing import Any, cast

from botocore.credentials import Credentials
from typing_extensions import override

from rushes.aws.s3 import Bucket
from rushes.aws.sigv4 import RoleSigner
from rushes.catalog.models import Catalog, read_catalog
from rushes.http.client import SafeHttpClient
from rushes.jobs.job import Job
from rushes.jobs.request import Input, Role, StoredFile
from rushes.jobs.result import Output
from rushes.ports.http import Upstream
from rushes.wiring.aws import client, s3_config
from rushes.workflow.collect import INVALID_WINDOW, MIN_INVALID_TRIES
from rushes.workflow.task import NextStep
from tests.fakes import FakeUpstreams
from tests.harness import Harness
from tests.security.memory.meter import MEGABYTE, Bomb, Bombs, Run

OUTPUT_BYTES = 256 * MEGABYTE
SIGNER = RoleSigner(lambda: Credentials("id", "secret"), "eu-central-1")
OPERATIONS: dict[str, Callable[[str], dict[str, Any]]] = {
    "openai_compatible": lambda name: {"id": name},
    "openai_with_lookup": lambda name: {"id": name},
    "vertex": lambda name: {"name": "x", "model": name},
    "gemini": lambda name: {"name": name},
    "runway": lambda name: {"id": name},
    "replicate": lambda name: {"id": name},
    "tiyaro": lambda name: {"path": f"/{name}"},
    "together": lambda name: {"id": name},
    "fal": lambda name: {"status": f"/{name}", "result": f"/{name}", "cancel": f"/{name}"},
}
"""A job's operation by protocol, whose poll has the name of the answer at the end of its path."""


def _catalog(protocol: str) -> Catalog:
    return read_catalog(f"""
        default_model = "sandbox/one"
        [providers.sandbox]
        protocol = "{protocol}"
        [[models]]
        name = "sandbox/one"
        seconds = [4]
        sizes = ["1280x720"]
        inputs = ["image", "last_frame", "reference"]
    """)


class _Upstreams(FakeUpstreams):
    """`signed`: requests are signed as those to Bedrock."""

    def __init__(self, url: str, *, signed: bool = False) -> None:
        super().__init__()
        sign = SIGNER.for_url(url) if signed else None
        self._upstream = Upstream(url, {"authorization": "Bearer upstream-key"}, sign)

    @override
    def find(self, job: Job) -> Upstream:
        return self._upstream


class _Scene:
    def __init__(self, url: str, protocol: str, path: str = "") -> None:
        bucket = Bucket(client("s3", s3_config(local_mode=True)), "bucket", OUTPUT_BYTES)
        self.harness = Harness(
            blobs=cast("Any", bucket),
            upstreams=_Upstreams(f"{url}{path}"),
            http_client=cast("Any", SafeHttpClient(bucket, local_mode=True)),
            catalog=_catalog(protocol),
        )
        self.job = self.harness.accepted()

    def change(self, **fields: object) -> None:
        self.job = self.harness.change(self.job, lambda job, _: job.model_copy(update=fields))

    def with_inputs(self, *inputs: Input) -> None:
        request = self.job.request.model_copy(update={"inputs": inputs})
        self.job = self.harness.change(
            self.job, lambda job, _: job.model_copy(update={"request": request})
        )

    def outcome(self, task: Callable[[Job], NextStep]) -> str:
        step = task(self.job)
        job = self.harness.now(self.job)
        error = job.outcome.error if job.outcome else None
        return f"{step['status']} {error.message if error else ''} {' '.join(job.warnings)}"


def _created(url: str, answer: str, outcome: str) -> Bomb:
    """Reply to a create call, whose path ends in `/videos` at the base URL of the answer."""

    def prepare() -> Run:
        scene = _Scene(url, "runway")
        scene.change(upstream_model=answer)
        scene.harness.upstreams = _Upstreams(f"{url}/{answer}?")
        return lambda: scene.outcome(scene.harness.submit)

    return Bomb(prepare, outcome)


def _fetched(url: str, answer: str, outcome: str) -> Bomb:
    def prepare() -> Run:
        scene = _Scene(url, "openai_compatible")
        scene.with_inputs(Input(role=Role.IMAGE, url=f"{url}/{answer}"))
        return lambda: scene.outcome(scene.harness.submit)

    return Bomb(prepare, outcome)


def _sent(url: str, protocol: str, outcome: str, *sizes: int, signed: bool = False) -> Bomb:
    """Send files from the bucket in a create call, as base64 or in a form."""

    def prepare() -> Run:
        scene = _Scene(url, protocol)
        roles = (Role.IMAGE, Role.LAST_FRAME, *[Role.REFERENCE] * 16)
        scene.with_inputs(
            *(
                Input(
                    role=role,
                    file=StoredFile(key=f"inputs/{size}", content_type="image/png", size=size),
                )
                for role, size in zip(roles, sizes, strict=False)
            )
        )
        scene.harness.upstreams = _Upstreams(f"{url}/ok?", signed=signed)
        return lambda: scene.outcome(scene.harness.submit)

    return Bomb(prepare, outcome)


def submit_bombs(url: str) -> Bombs:
    encoding, size = "at most one content-encoding", "must have at most 50331648 bytes"
    return {
        "create: gzip": _created(url, "gzip", size),
        "create: gzip, twice": _created(url, "gzip-twice", encoding),
        "create: gzip, ten times": _created(url, "gzip-ten-times", encoding),
        "create: gzip in deflate": _created(url, "gzip-in-deflate", encoding),
        "create: deflate": _created(url, "deflate", size),
        "create: deflate without header": _created(url, "raw-deflate", size),
        "create: empty deflate blocks": _created(url, "empty-blocks", "at most 50397184 bytes"),
        "create: br": _created(url, "br", encoding),
        "create: zstd": _created(url, "zstd", encoding),
        "create: 429, packed twice": _created(url, "refused-twice-packed", "pending"),
        "create: 48 MB of lists": _created(url, "lists", "must have at most 1000000 values"),
        "create: 48 MB of text": _created(url, "long-string", "ids and URLs of the job must have"),
        "create: endless header": _created(url, "long-header", "connection closed"),
        "create: 10,000 headers": _created(url, "many-headers", "id: Field required"),
        "create: 24,000 equal headers": _created(url, "same-header", "id: Field required"),
        "input: gzip": _fetched(url, "gzip", "must have at most 52428800 bytes"),
        "input: gzip, twice": _fetched(url, "gzip-twice", encoding),
        "input: deflate": _fetched(url, "deflate", "must have at most 52428800 bytes"),
        "input: endless": _fetched(url, "endless", "must have at most 52428800 bytes"),
        "input: GIF of 65535 x 65535": _fetched(url, "big-gif", "pending"),
        "input: PNG of 2^31 x 2^31": _fetched(url, "big-png", "pending"),
        "input: MP4 with a box of 2^64": _fetched(url, "big-mp4", "found video/mp4"),
        "input: 50 MB": _fetched(url, "large-image", "pending"),
        "input: 50 MB and more": _fetched(url, "larger-image", "must have at most"),
        "file: 48 MB in JSON": _sent(url, "gemini", "submitted", 48 * MEGABYTE),
        "file: two of 48 MB in JSON": _sent(url, "gemini", "submitted", *[48 * MEGABYTE] * 2),
        "file: 96 MB in JSON, signed": _sent(
            url, "gemini", "submitted", *[48 * MEGABYTE] * 2, signed=True
        ),
        "file: 10 of 30 MB in JSON": _sent(url, "vertex", "at most", *[30 * MEGABYTE] * 10),
        "file: 18 of 48 MB in JSON": _sent(url, "vertex", "at most", *[48 * MEGABYTE] * 18),
        "file: 256 MB in a form": _sent(url, "openai_compatible", "submitted", 256 * MEGABYTE),
    }


def _polled(url: str, protocol: str, answer: str, outcome: str) -> Bomb:
    def prepare() -> Run:
        scene = _Scene(url, protocol)
        scene.change(operation=OPERATIONS[protocol](answer), submitted_at=scene.harness.clock())
        return lambda: scene.outcome(scene.harness.poll)

    return Bomb(prepare, outcome)


def poll_bombs(url: str) -> Bombs:
    openai, values = "openai_compatible", "must have at most 1000000 values"
    return {
        "gzip": _polled(url, openai, "gzip", "must have at most 50331648 bytes"),
        "gzip, twice": _polled(url, openai, "gzip-twice", "at most one content-encoding"),
        "gzip of 100,000 members": _polled(url, openai, "gzip-members", "invalid response"),
        "gzip of endless members": _polled(
            url, openai, "endless-gzip-members", "must have at most 50397184 bytes"
        ),
        "deflate": _polled(url, openai, "deflate", "must have at most 50331648 bytes"),
        "endless": _polled(url, openai, "endless", "must have at most 50331648 bytes"),
        "48 MB of lists": _polled(url, openai, "lists", values),
        "48 MB of objects": _polled(url, openai, "objects", values),
        "a million values": _polled(url, openai, "a-million-objects", "pending"),
        "450,000 names": _polled(url, openai, "names", "pending"),
        "48 MB of depth": _polled(url, openai, "depth", values),
        "48 MB of digits": _polled(url, openai, "digits", "invalid response"),
        "48 MB of text": _polled(url, openai, "long-string", "pending"),
        "48 MB of escapes": _polled(url, openai, "escapes", "pending"),
        "48 MB of text and an emoji": _polled(url, openai, "wide-string", "pending"),
        "48 MB of base64": _polled(url, "vertex", "base64", "succeeded"),
        "48 MB of base64 and an emoji": _polled(url, "vertex", "wide-base64", "succeeded"),
        "48 MB of escaped base64": _polled(url, "vertex", "escaped-base64", "succeeded"),
        "list of 500,000 videos": _polled(url, "vertex", "video-list", "at most 1000 items"),
        "list of a million URLs": _polled(url, "runway", "urls", "64 are stored"),
        "list of a million files": _polled(url, "replicate", "files", "succeeded"),
        "list of 500,000 errors": _polled(url, "fal", "errors", "refused the request"),
        "transcript of 48 MB and an emoji": _polled(url, "tiyaro", "wide-transcript", "succeeded"),
        "transcript of 190,000 words": _polled(url, "tiyaro", "transcript", "succeeded"),
        "transcript of 2 MB": _polled(url, "tiyaro", "short-transcript", "succeeded"),
        "10,000 headers": _polled(url, openai, "many-headers", "status: Field required"),
    }


def _stored(url: str, answer: str, outcome: str, *, inline: bool = False) -> Bomb:
    def prepare() -> Run:
        scene = _Scene(url, "openai_compatible")
        pointer = "/response/videos/0/bytesBase64Encoded" if inline else None
        output = Output(url=f"/{answer}", needs_key=True, pointer=pointer)
        now = scene.harness.clock()
        scene.change(operation={"id": "1"}, submitted_at=now, outputs=(output,))
        # An invalid output fails at the last try only.
        scene.change(generated_at=now - INVALID_WINDOW - 1, collect_attempts=MIN_INVALID_TRIES)
        return lambda: scene.outcome(scene.harness.collect)

    return Bomb(prepare, outcome)


def collect_bombs(url: str) -> Bombs:
    return {
        "48 MB of base64": _stored(url, "base64", "ending", inline=True),
        "48 MB of base64 and an emoji": _stored(url, "wide-base64", "no base64", inline=True),
        "48 MB of escaped base64": _stored(url, "escaped-base64", "ending", inline=True),
        "48 MB of lists": _stored(url, "lists", "at most 1000000 values", inline=True),
        "gzip, twice, inline": _stored(url, "gzip-twice", "at most one", inline=True),
        "endless": _stored(url, "endless", "at most 268435456 bytes"),
        "endless chunks": _stored(url, "endless-chunks", "not a known media type"),
        "512 MB": _stored(url, "video", "at most 268435456 bytes"),
        "longer than declared": _stored(url, "longer-than-declared", "pending"),
        "shorter than declared": _stored(url, "shorter-than-declared", "at most 268435456 bytes"),
        "gzip": _stored(url, "gzip", "must have no content-encoding"),
        "endless header": _stored(url, "long-header", "pending"),
    }
