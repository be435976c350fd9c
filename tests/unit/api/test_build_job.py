"""Validation of create requests, storage of their input files, and remixes."""

from dataclasses import replace

import pytest

from rushes.api import choose_models, uploaded_files
from rushes.errors import InvalidRequest, NotFound, UnknownModel
from rushes.jobs.job import Job
from rushes.jobs.request import (
    CreateRequest,
    GenerationRequest,
    Input,
    Role,
    StoredFile,
    Upload,
    UploadUrlRequest,
)
from rushes.jobs.status import JobStatus, Stage
from tests.fakes import BUCKET, unavailable
from tests.harness import (
    ACCOUNT,
    MP3_BYTES,
    MP4_BYTES,
    PNG_BYTES,
    Harness,
)

IMAGE_URL = Input(role=Role.IMAGE, url="https://images.example/1")
UPLOADS = f"{BUCKET}uploads/{ACCOUNT}"


def create_request(*uploads: tuple[Role, Upload], **fields: object) -> CreateRequest:
    defaults: dict[str, object] = {"model": "short", "prompt": "a red ball"}
    request = GenerationRequest.model_validate(defaults | fields)
    return CreateRequest(request, uploads=uploads)


def uploaded_request(*uploaded: tuple[Role, str], model: str = "short") -> CreateRequest:
    return replace(create_request(model=model), uploaded=uploaded)


def image_upload(content: bytes = PNG_BYTES) -> tuple[Role, Upload]:
    return Role.IMAGE, Upload("image", "image/png", content)


def video_upload(content: bytes = MP4_BYTES) -> tuple[Role, Upload]:
    return Role.SOURCE_VIDEO, Upload("video", "video/mp4", content)


def create(harness: Harness, request: CreateRequest) -> Job:
    return harness.service.create(ACCOUNT, "openai", request).job


def remix(
    harness: Harness, source: Job, account: str = ACCOUNT, prompt: str = "a blue ball"
) -> Job:
    request = CreateRequest(GenerationRequest(model="", prompt=prompt), source_id=source.id)
    return harness.service.create(account, "bifrost", request).job


def uploaded_file(harness: Harness) -> tuple[str, str]:
    """Put an image to an upload URL; return the URL and the file's key."""
    url = harness.service.upload_url(ACCOUNT, UploadUrlRequest("png"))
    key = harness.blobs.key_of(url)
    assert key is not None
    harness.blobs.objects[key] = PNG_BYTES
    return url, key


def test_build_combines_request_and_catalog(harness: Harness) -> None:
    job = create(harness, create_request(seconds=8, seed=7))
    assert (job.account, job.dialect) == (ACCOUNT, "openai")
    assert (job.status, job.stage) == (JobStatus.QUEUED, Stage.ACCEPTED)
    assert (job.provider, job.upstream_model, job.cost) == ("sandbox", "one-at-home", 0.8)
    assert job.deadline_at == job.created_at + 1800
    assert (job.request.model, job.request.seconds, job.request.seed) == ("short", 8, 7)
    assert job.request.size == "1280x720"


def test_job_ids_sort_by_time_and_end_in_random_digits(harness: Harness) -> None:
    jobs = []
    for _ in range(20):
        jobs.append(harness.accepted())
        harness.clock.advance(0.002)
    ids = [job.id for job in jobs]
    assert ids == sorted(ids)
    assert len({job_id[-20:] for job_id in ids}) == 20
    assert {len(job_id) for job_id in ids} == {36}


def test_build_uses_default_model(harness: Harness) -> None:
    assert create(harness, create_request(model="")).request.model == "short"


@pytest.mark.parametrize(
    ("invalid", "param"),
    [
        (create_request(model="absent/model"), "model"),
        (create_request(seconds=5), "seconds"),
        (create_request(prompt=" "), "prompt"),
        (create_request(image_upload(MP4_BYTES)), "image"),
        (create_request(image_upload(b"<html>")), "image"),
        (create_request(image_upload(MP3_BYTES)), "image"),
        (create_request(video_upload(PNG_BYTES)), "video"),
        (create_request(image_upload(), video_upload(PNG_BYTES)), "video"),
        (create_request(image_upload(), model="sandbox/plain"), "image"),
        (create_request(model="sandbox/plain", inputs=[IMAGE_URL]), "input_reference"),
        (create_request(video_upload(), model="sandbox/plain"), "video"),
        (create_request((Role.AUDIO, Upload("voice", "audio/mpeg", MP3_BYTES))), "voice"),
        (uploaded_request((Role.IMAGE, f"{UPLOADS}/a.png"), model="sandbox/plain"), "URL"),
        (uploaded_request((Role.IMAGE, f"{UPLOADS}/absent.png")), "URL"),
    ],
)
def test_refused_request_leaves_no_job_and_no_files(
    harness: Harness, invalid: CreateRequest, param: str
) -> None:
    with pytest.raises(UnknownModel if param == "model" else InvalidRequest) as refused:
        create(harness, invalid)
    assert refused.value.param == param
    assert (harness.jobs.rows, harness.blobs.objects, harness.executions.running) == ({}, {}, {})


@pytest.mark.parametrize(
    ("role", "content", "content_type"),
    [(Role.IMAGE, PNG_BYTES, "image/png"), (Role.SOURCE_VIDEO, MP4_BYTES, "video/mp4")],
)
def test_build_stores_input_file_with_detected_type(
    harness: Harness, role: Role, content: bytes, content_type: str
) -> None:
    upload = Upload("file", "text/plain", content)
    job = create(harness, create_request((role, upload)))
    (file,) = job.request.files(role)
    assert (file.key, file.content_type) == (f"inputs/{ACCOUNT}/{job.id}/upload-0", content_type)
    assert file.size == len(content)
    assert harness.blobs.objects == {file.key: content}


def test_build_stores_several_files_in_order(harness: Harness) -> None:
    other = PNG_BYTES + b"another"
    files = (image_upload(), video_upload(), image_upload(other))
    job = create(harness, create_request(*files, inputs=[IMAGE_URL]))
    roles = [file.role for file in job.request.inputs]
    assert roles == [Role.IMAGE, Role.IMAGE, Role.SOURCE_VIDEO, Role.IMAGE]
    stored = [harness.blobs.objects[file.key] for file in job.request.files(Role.IMAGE)]
    assert stored == [PNG_BYTES, other]
    assert job.request.inputs[0] == IMAGE_URL
    assert harness.now(job) == job


def test_build_copies_uploaded_file(harness: Harness) -> None:
    url, key = uploaded_file(harness)
    job = create(harness, uploaded_request((Role.IMAGE, url)))
    harness.blobs.objects[key] = b"<html>"  # the URL is still valid
    file = job.request.file(Role.IMAGE)
    assert file is not None
    assert (file.content_type, file.size) == ("image/png", len(PNG_BYTES))
    assert file.key == f"inputs/{ACCOUNT}/{job.id}/adopted-0"
    assert harness.blobs.objects[file.key] == PNG_BYTES
    assert harness.now(job) == job


@pytest.mark.parametrize(
    "url",
    [
        f"{BUCKET}uploads/another/a.png",
        f"{UPLOADS}-2/a.png",
        UPLOADS,
        f"{BUCKET}inputs/{ACCOUNT}/a.png",
        f"{BUCKET}outputs/{ACCOUNT}/a.png",
        f"https://elsewhere.example/uploads/{ACCOUNT}/a.png",
        f"uploads/{ACCOUNT}/a.png",
        "",
    ],
)
def test_build_refuses_url_that_was_not_issued_to_account(harness: Harness, url: str) -> None:
    """The error is the same whether the object exists or not."""
    for objects in ({}, {url.removeprefix(BUCKET): PNG_BYTES}):
        harness.blobs.objects = dict(objects)
        with pytest.raises(InvalidRequest, match="not issued by POST /v1/input/upload") as refused:
            create(harness, uploaded_request((Role.IMAGE, url)))
        assert refused.value.param == "URL"
        assert (harness.jobs.rows, harness.blobs.objects) == ({}, objects)


@pytest.mark.parametrize("content", [MP4_BYTES, MP3_BYTES, b"<html>", b""])
def test_build_refuses_uploaded_file_of_other_media_type(harness: Harness, content: bytes) -> None:
    harness.blobs.objects[f"uploads/{ACCOUNT}/a.png"] = content
    with pytest.raises(InvalidRequest, match="is not an image") as refused:
        create(harness, uploaded_request((Role.IMAGE, f"{UPLOADS}/a.png")))
    assert (refused.value.param, harness.jobs.rows) == ("URL", {})
    assert harness.blobs.objects == {}


@pytest.mark.parametrize("content", [MP4_BYTES, b"<html>", PNG_BYTES + bytes(200)])
def test_build_deletes_refused_upload_and_no_other(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.setattr(uploaded_files, "MAX_UPLOAD_BYTES", 300)
    other, foreign = f"uploads/{ACCOUNT}/b.png", "uploads/other/a.png"
    harness.blobs.objects = {f"uploads/{ACCOUNT}/a.png": content, other: content, foreign: content}
    with pytest.raises(InvalidRequest):
        create(harness, uploaded_request((Role.IMAGE, f"{UPLOADS}/a.png")))
    assert set(harness.blobs.objects) == {other, foreign}


def test_build_refuses_upload_although_it_cannot_be_deleted(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.blobs.objects[f"uploads/{ACCOUNT}/a.png"] = b"<html>"
    monkeypatch.setattr(harness.blobs, "delete", lambda _prefix: unavailable())
    with pytest.raises(InvalidRequest, match="is not an image"):
        create(harness, uploaded_request((Role.IMAGE, f"{UPLOADS}/a.png")))


def test_build_limits_size_of_uploaded_file(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploaded_files, "MAX_UPLOAD_BYTES", len(PNG_BYTES))
    key = f"uploads/{ACCOUNT}/a.png"
    harness.blobs.objects[key] = PNG_BYTES
    request = uploaded_request((Role.IMAGE, f"{UPLOADS}/a.png"))
    assert create(harness, request).request.file(Role.IMAGE)
    harness.blobs.objects[key] = PNG_BYTES + b"x"
    with pytest.raises(InvalidRequest, match=r"at most 108 bytes \(got 109\)"):
        create(harness, request)


def test_build_stores_response_preferences(harness: Harness) -> None:
    preferences = {"response_format": "b64_json"}
    job = create(harness, replace(create_request(), preferences=preferences))
    assert harness.now(job).preferences == preferences


def test_build_sets_modality_and_cost_of_model(harness: Harness) -> None:
    assert harness.accepted().modality == "video"
    upload = Upload("file", "audio/mpeg", MP3_BYTES)
    transcription = create_request((Role.AUDIO, upload), model="sandbox/ears", prompt="")
    job = create(harness, transcription)
    assert (job.modality, job.cost) == ("transcription", 0.25)
    assert (job.request.seconds, job.request.size) == (None, None)
    (file,) = job.request.files(Role.AUDIO)
    assert file.content_type == "audio/mpeg"


def test_build_refuses_missing_required_audio(harness: Harness) -> None:
    with pytest.raises(InvalidRequest, match="requires audio") as refused:
        create(harness, create_request(model="sandbox/ears", prompt=""))
    assert (refused.value.param, harness.jobs.rows) == ("audio", {})


def test_remix_uses_video_and_settings_of_source(harness: Harness) -> None:
    old = harness.completed()
    new = remix(harness, old)
    assert [file.role for file in new.request.inputs] == [Role.SOURCE_VIDEO]
    video_file = new.request.file(Role.SOURCE_VIDEO)
    assert video_file is not None
    assert (video_file.key, video_file.size) == (old.artifacts[0].key, len(MP4_BYTES))
    assert (new.remixed_from, new.dialect) == (old.id, "bifrost")
    assert new.request.prompt == "a blue ball"
    assert (new.request.seconds, new.request.size) == (old.request.seconds, old.request.size)
    assert harness.executions.running[new.id]


def test_remix_does_not_use_inputs_of_source(harness: Harness) -> None:
    job = create(harness, create_request(image_upload()))
    harness.complete(job)
    new = remix(harness, job)
    assert (len(new.request.inputs), new.request.file(Role.IMAGE)) == (1, None)


def test_remix_requires_completed_job_of_same_account(harness: Harness) -> None:
    with pytest.raises(InvalidRequest, match="is not completed"):
        remix(harness, harness.running())
    with pytest.raises(NotFound):
        remix(harness, harness.completed(), "another")


@pytest.mark.parametrize("content_type", ["image/gif", "image/webp", "image/avif"])
def test_remix_requires_a_video_file(harness: Harness, content_type: str) -> None:
    job = harness.completed()
    animation = job.artifacts[0].model_copy(update={"content_type": content_type})
    changes = {"artifacts": (animation,), "version": job.version + 1}
    job = harness.change(job, lambda job, _now: job.model_copy(update=changes))
    with pytest.raises(InvalidRequest, match=rf"has no video \(found {content_type}\)") as refused:
        remix(harness, job)
    assert refused.value.param == "video_id"


def test_build_refuses_file_that_changes_during_copy(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, _ = uploaded_file(harness)
    find = harness.blobs.find

    def find_and_change(key: str) -> StoredFile | None:
        found = find(key)
        harness.blobs.objects[key] = PNG_BYTES + b"!"
        return found

    monkeypatch.setattr(harness.blobs, "find", find_and_change)
    with pytest.raises(InvalidRequest, match="changed"):
        create(harness, uploaded_request((Role.IMAGE, url)))
    assert not harness.jobs.rows


def test_build_limits_number_of_files(harness: Harness) -> None:
    inputs = [Input(role=Role.IMAGE, url=f"https://p.example/{n}") for n in range(17)]
    with pytest.raises(InvalidRequest, match=r"at most 16 files are allowed \(got 17\)"):
        create(harness, create_request(inputs=inputs))


def test_build_limits_number_of_fallbacks(harness: Harness, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(choose_models, "MAX_FALLBACKS", 0)
    with pytest.raises(InvalidRequest, match=r"at most 0 models are allowed \(got 1\)") as raised:
        create(harness, create_request(fallbacks=["spare/one"]))
    assert raised.value.param == "fallbacks"
    assert not harness.jobs.rows
