"""Upload URLs: one route for all dialects, whose fields for files accept the URLs."""

from typing import Any

import pytest

from rushes.catalog.models import read_catalog
from rushes.jobs.content_type import EXTENSIONS
from rushes.jobs.job import Job
from rushes.jobs.request import MAX_INLINE_BYTES, MAX_UPLOAD_BYTES, Role
from tests.fakes import BUCKET
from tests.unit.dialects.api_client import (
    ACCOUNT,
    BIFROST,
    FIELDS,
    OPENAI,
    OTHER_ACCOUNT,
    PNG,
    VIDEO,
    Caller,
    Reply,
    assert_refused,
    form,
)

CATALOG = read_catalog("""
default_model = "sandbox/video"
[providers.sandbox]
protocol = "openai_compatible"
[[models]]
name = "sandbox/video"
seconds = [4, 8]
sizes = ["1280x720"]
inputs = ["image", "last_frame", "frame", "reference", "reference_video", "source_video", "audio"]
""")
UPLOADS = "/v1/uploads"
STORAGE = "/fal/storage/upload/initiate"
FAL, PIPELET, TOGETHER = "/fal/sandbox/video", "/pipelet/queue/sandbox/video", "/v2/videos"
TOGETHER_FIELDS = {"model": "sandbox/video", "prompt": "a cat"}
PROMPT = {"prompt": "a cat"}
AUDIO = b"ID3\x04" + bytes(100)
TYPES = {AUDIO: "audio/mpeg", VIDEO: "video/mp4", PNG: "image/png"}

FIELDS_FOR_FILES: list[tuple[str, dict[str, Any], Role]] = [
    (OPENAI, {**FIELDS, "input_reference": {"image_url": "{url}"}}, Role.IMAGE),
    (OPENAI, {**FIELDS, "input_reference": "{url}"}, Role.IMAGE),
    (f"{OPENAI}/edits", {**PROMPT, "video": {"url": "{url}"}}, Role.SOURCE_VIDEO),
    (BIFROST, {**FIELDS, "input_reference": "{url}"}, Role.IMAGE),
    (BIFROST, {**FIELDS, "video_uri": "{url}"}, Role.SOURCE_VIDEO),
    (f"{BIFROST}/edits", {**PROMPT, "video": {"url": "{url}"}}, Role.SOURCE_VIDEO),
    (TOGETHER, {**TOGETHER_FIELDS, "frame_images": [{"input_image": "{url}"}]}, Role.IMAGE),
    (TOGETHER, {**TOGETHER_FIELDS, "reference_images": ["{url}"]}, Role.REFERENCE),
    (TOGETHER, {**TOGETHER_FIELDS, "media": {"source_video": "{url}"}}, Role.SOURCE_VIDEO),
    (
        TOGETHER,
        {**TOGETHER_FIELDS, "media": {"reference_videos": [{"video": "{url}"}]}},
        Role.REFERENCE_VIDEO,
    ),
    (TOGETHER, {**TOGETHER_FIELDS, "media": {"audio_inputs": ["{url}"]}}, Role.AUDIO),
    (FAL, {**PROMPT, "image_url": "{url}"}, Role.IMAGE),
    (FAL, {**PROMPT, "end_image_url": "{url}"}, Role.LAST_FRAME),
    (FAL, {**PROMPT, "image_urls": ["{url}"]}, Role.REFERENCE),
    (FAL, {**PROMPT, "video_url": "{url}"}, Role.SOURCE_VIDEO),
    (PIPELET, {**PROMPT, "data_uri": "{url}"}, Role.IMAGE),
    (PIPELET, {**PROMPT, "second_image_uri": "{url}"}, Role.LAST_FRAME),
    (PIPELET, {**PROMPT, "audio_uri": "{url}"}, Role.AUDIO),
    ("/v1/async/sandbox/video", {"input": PROMPT, "URL": "{url}"}, Role.IMAGE),
]
IDS = [f"{path} {role.value}" for path, _, role in FIELDS_FOR_FILES]


@pytest.fixture
def caller(monkeypatch: pytest.MonkeyPatch) -> Caller:
    return Caller(monkeypatch, CATALOG)


def content_for(role: Role) -> bytes:
    if role is Role.AUDIO:
        return AUDIO
    return VIDEO if "video" in role.value else PNG


def put(caller: Caller, url: str, content: bytes) -> str:
    """PUT a file as S3 does, and return the object's key."""
    key = url.removeprefix(BUCKET).partition("?")[0]
    caller.blobs.objects[key] = content
    return key


def upload(caller: Caller, content: bytes, **body: Any) -> str:
    reply = caller.call("POST", UPLOADS, body)
    assert reply.status == 201, reply
    url: str = reply.json["url"]
    put(caller, url, content)
    return url


def with_url(body: Any, url: str) -> Any:
    if isinstance(body, dict):
        return {name: with_url(value, url) for name, value in body.items()}
    if isinstance(body, list):
        return [with_url(value, url) for value in body]
    return url if body == "{url}" else body


def create(caller: Caller, path: str, body: Any, url: str) -> Reply:
    headers = {"authorization": f"Key {caller.key}"} if path == FAL else None
    return caller.call("POST", path, with_url(body, url), headers)


def job_of(caller: Caller, reply: Reply) -> Job:
    return caller.job(reply, reply.status) if reply.status < 300 else pytest.fail(str(reply))


# --- the route


def test_upload_url_has_its_limits(caller: Caller):
    reply = caller.call("POST", UPLOADS, {})
    url = reply.json["url"]
    assert reply.status == 201
    assert reply.json == {
        "object": "upload_url",
        "url": url,
        "method": "PUT",
        "expires_in": 900,
        "max_bytes": MAX_UPLOAD_BYTES,
    }
    assert reply.headers["cache-control"] == "no-store"
    assert url.startswith(f"{BUCKET}uploads/{ACCOUNT}/")
    assert caller.call("POST", UPLOADS).json["url"] != url


@pytest.mark.parametrize(
    ("content_type", "extension"),
    [("image/png", "png"), ("video/mp4", "mp4"), ("image/jpg", "jpg"), ("audio/mpeg", "mp3")],
)
def test_declared_type_and_length_are_signed(caller: Caller, content_type: str, extension: str):
    body = {"content_type": content_type, "content_length": 5_000_000}
    url = caller.call("POST", UPLOADS, body).json["url"]
    assert f".{extension}?" in url
    assert url.endswith(f"&content-type={content_type}&content-length=5000000")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"content_type": "text/html"}, "content_type"),
        ({"content_type": "video/unknown"}, "content_type"),
        ({"content_length": 0}, "content_length"),
        ({"content_length": MAX_UPLOAD_BYTES + 1}, "content_length"),
        ({"content_length": True}, "content_length"),
        ({"filename": "a.png"}, "filename"),
        (b"[", "body"),
    ],
)
def test_upload_request_is_validated(caller: Caller, body: Any, param: str):
    assert_refused(caller.call("POST", UPLOADS, body), BIFROST, 400, param)


def test_upload_url_requires_a_key(caller: Caller):
    assert caller.raw("POST", UPLOADS, b"{}", {}).status == 401


def test_fals_client_gets_both_urls_of_its_storage(caller: Caller):
    body = {"content_type": "image/png", "file_name": "a.png"}
    headers = {"authorization": f"Key {caller.key}"}
    query = {"storage_type": "fal-cdn-v3"}
    reply = caller.call("POST", STORAGE, body, headers, query)
    assert reply.status == 200
    assert set(reply.json) == {"upload_url", "file_url"}
    put(caller, reply.json["upload_url"], PNG)
    created = create(caller, FAL, {**PROMPT, "image_url": "{url}"}, reply.json["file_url"])
    assert job_of(caller, created).request.file(Role.IMAGE)


@pytest.mark.parametrize("content_type", ["", "application/octet-stream", "application/x-other"])
def test_fals_storage_accepts_a_file_without_a_known_type(caller: Caller, content_type: str):
    body = {"content_type": content_type, "file_name": "1764.bin"}
    assert ".bin?" in caller.call("POST", STORAGE, body).json["upload_url"]


def test_fals_storage_refuses_unknown_fields(caller: Caller):
    reply = caller.call("POST", STORAGE, {"folder": "x"})
    assert (reply.status, reply.has_side_effects) == (422, False)
    assert reply.json["detail"][0]["loc"] == ["body", "folder"]


# --- the URL in create calls


@pytest.mark.parametrize(("path", "body", "role"), FIELDS_FOR_FILES, ids=IDS)
def test_every_dialect_accepts_the_url_of_an_upload(
    caller: Caller, path: str, body: dict[str, Any], role: Role
):
    content = content_for(role)
    url = upload(caller, content, content_type=TYPES[content])
    job = job_of(caller, create(caller, path, body, url))
    (entry,) = job.request.inputs
    assert (entry.role, entry.url) == (role, None)
    assert entry.file is not None
    assert entry.file.key.startswith(f"inputs/{ACCOUNT}/{job.id}/")
    assert caller.blobs.objects[entry.file.key] == content


@pytest.mark.parametrize(("path", "body", "role"), FIELDS_FOR_FILES, ids=IDS)
def test_no_dialect_accepts_the_upload_of_another_account(
    caller: Caller, path: str, body: dict[str, Any], role: Role
):
    extension = EXTENSIONS[TYPES[content_for(role)]]
    key = f"uploads/{OTHER_ACCOUNT}/{'0' * 32}.{extension}"
    caller.blobs.objects[key] = content_for(role)
    reply = create(caller, path, body, f"{BUCKET}{key}?upload")
    assert (reply.status in (400, 422), reply.has_side_effects) == (True, False), reply
    assert "for this account" in reply.text


@pytest.mark.parametrize(("path", "body", "role"), FIELDS_FOR_FILES, ids=IDS)
def test_upload_of_another_type_is_refused_and_deleted(
    caller: Caller, path: str, body: dict[str, Any], role: Role
):
    extension = EXTENSIONS[TYPES[content_for(role)]]
    key = f"uploads/{ACCOUNT}/{'0' * 32}.{extension}"
    caller.blobs.objects[key] = b"<html>"
    reply = create(caller, path, body, f"{BUCKET}{key}?upload")
    assert reply.status in (400, 422), reply
    assert "uploaded file is not" in reply.text
    assert caller.blobs.objects == {}
    assert caller.jobs.rows == {}


def test_url_without_an_upload_is_refused(caller: Caller):
    url = caller.call("POST", UPLOADS, {}).json["url"]
    reply = caller.create(input_reference=url)
    assert_refused(reply, OPENAI, 400, "input_reference")
    assert "no file was uploaded, or it has expired" in reply.text


@pytest.mark.parametrize(
    "key",
    [
        f"uploads/{ACCOUNT}",
        f"uploads/{ACCOUNT}/",
        f"uploads/{ACCOUNT}/../{OTHER_ACCOUNT}/a.png",
        f"uploads/{ACCOUNT}-2/a.png",
        f"uploads/{ACCOUNT}/a.png/b.png",
        "uploads/",
    ],
)
def test_url_of_another_object_among_the_uploads_is_refused(caller: Caller, key: str):
    caller.blobs.objects[key] = PNG
    assert_refused(caller.create(input_reference=f"{BUCKET}{key}"), OPENAI, 400, "input_reference")


def test_url_of_another_folder_is_fetched_by_its_signature(caller: Caller):
    """Such as the link of an earlier result: only its holder can sign it."""
    url = f"{BUCKET}outputs/{ACCOUNT}/job/0.png?signed"
    (entry,) = caller.job(caller.create(input_reference=url)).request.inputs
    assert (entry.url, entry.file) == (url, None)


def test_files_keep_the_order_of_the_request(caller: Caller):
    first, second = (upload(caller, PNG + bytes(n)) for n in (1, 2))
    other = "https://images.example/a.png"
    body = {**TOGETHER_FIELDS, "reference_images": [first, other, second]}
    inputs = job_of(caller, caller.call("POST", TOGETHER, body)).request.inputs
    sizes = [entry.file and entry.file.size for entry in inputs]
    assert (sizes, inputs[1].url) == ([len(PNG) + 1, None, len(PNG) + 2], other)


def test_upload_as_a_middle_frame_keeps_its_number(caller: Caller):
    url = upload(caller, PNG)
    body = {**TOGETHER_FIELDS, "frame_images": [{"input_image": url, "frame": 24}]}
    (entry,) = job_of(caller, caller.call("POST", TOGETHER, body)).request.inputs
    assert (entry.role, entry.frame) == (Role.FRAME, 24)


def test_one_upload_serves_several_jobs(caller: Caller):
    url = upload(caller, PNG)
    jobs = [caller.job(caller.create(input_reference=url)) for _ in range(2)]
    assert len({entry.file and entry.file.key for job in jobs for entry in job.request.inputs}) == 2


def test_repeated_call_with_an_upload_returns_the_same_job(caller: Caller):
    fields = {**FIELDS, "input_reference": upload(caller, PNG)}
    calls = [caller.call("POST", OPENAI, fields, {"idempotency-key": "k"}) for _ in range(2)]
    assert calls[0].json["id"] == calls[1].json["id"]


# --- files in the request


def large_requests() -> list[Any]:
    image = PNG + bytes(MAX_INLINE_BYTES)
    parts = [*FIELDS.items(), ("input_reference", "image/png", image)]
    return [
        pytest.param(OPENAI, parts, id="openai"),
        pytest.param(BIFROST, parts, id="bifrost"),
        pytest.param(
            f"{OPENAI}/edits",
            [("prompt", "x"), ("video", "video/mp4", VIDEO + bytes(MAX_INLINE_BYTES))],
            id="edit",
        ),
    ]


@pytest.mark.parametrize(("path", "parts"), large_requests())
def test_form_with_a_large_file_is_refused_with_limit_and_route(
    caller: Caller, path: str, parts: list[Any]
):
    reply = caller.form(path, *parts)
    base = BIFROST if path.startswith(BIFROST) else OPENAI
    assert_refused(reply, base, 413, code="request_too_large")
    assert (
        "at most 4.5 MB (got 4.6 MB); PUT larger files to a URL of POST /v1/uploads" in reply.text
    )


DATA_URL = "data:image/png;base64," + "A" * (4 * (MAX_INLINE_BYTES // 3 + 3))


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (TOGETHER, {**TOGETHER_FIELDS, "reference_images": [DATA_URL]}),
        (FAL, {**PROMPT, "image_url": DATA_URL}),
        (PIPELET, {**PROMPT, "data_uri": DATA_URL}),
        (OPENAI, {**FIELDS, "input_reference": {"image_url": DATA_URL}}),
        (BIFROST, {**FIELDS, "video_uri": DATA_URL}),
    ],
)
def test_large_data_url_is_refused_with_limit_and_route(
    caller: Caller, path: str, body: dict[str, Any]
):
    reply = create(caller, path, body, "")
    assert (reply.status, reply.has_side_effects) == (413, False), reply
    assert "4.5 MB" in reply.text
    assert "POST /v1/uploads" in reply.text


def test_several_files_count_together(caller: Caller):
    half = "data:image/png;base64," + "A" * (4 * (MAX_INLINE_BYTES // 6))
    body = {**TOGETHER_FIELDS, "reference_images": [half, half + "AAAA"]}
    reply = caller.call("POST", TOGETHER, body)
    assert (reply.status, reply.has_side_effects) == (413, False)


def test_file_at_the_limit_is_accepted(caller: Caller):
    image = PNG + bytes(MAX_INLINE_BYTES - len(PNG))
    reply = caller.form(OPENAI, *FIELDS.items(), ("input_reference", "image/png", image))
    assert caller.job(reply).request.file(Role.IMAGE)


def test_body_above_the_limit_names_the_route(caller: Caller):
    reply = caller.call("POST", OPENAI, b'{"prompt":"' + b"x" * 10 * 1024 * 1024 + b'"}')
    assert_refused(reply, OPENAI, 413)
    assert "at most 10.5 MB (got 10.5 MB); PUT larger files" in reply.text


def test_form_at_the_limit_fits_in_lambdas_payload():
    body = form([*FIELDS.items(), ("input_reference", "image/png", bytes(MAX_INLINE_BYTES))])
    assert len(body) * 4 / 3 + 10_240 + 4_096 < 6_291_456
