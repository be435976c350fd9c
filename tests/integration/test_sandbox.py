"""The sandbox over real HTTP: rendering, OpenAI's protocol, fault directives, shutdown."""

import base64
import io
import itertools
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, TypeAlias

import httpx
import imageio_ffmpeg
import openai
import pytest
from PIL import Image

from sandbox.fault_directives import DIRECTIVES, read_directives, without_directives
from sandbox.rendering.drawing import draw_card
from sandbox.rendering.render_spec import RenderSpec
from sandbox.rendering.text_overlay import drawable, fit, font
from tests.integration.sandbox_client import (
    BEARER,
    KEY,
    READ_TIMEOUT,
    ROOT,
    SMALL,
    Video,
    create,
    finished,
    request_log,
    running_sandbox,
)
from tests.waiting import wait_for

VIDEO_FIELDS = {
    *("id", "object", "model", "status", "progress", "created_at", "completed_at", "expires_at"),
    *("prompt", "size", "seconds", "remixed_from_video_id", "error"),
}
JSON = {"content-type": "application/json"}
# The SDK declares every video method deprecated, and types only Sora's sizes and lengths.
Sdk: TypeAlias = Any
prompts = (f"prompt {number}" for number in itertools.count())


@pytest.fixture(scope="module")
def sdk(sandbox_url: str) -> Iterator[Sdk]:
    with openai.OpenAI(api_key=KEY, base_url=f"{sandbox_url}/v1", max_retries=0) as client:
        yield client


@pytest.fixture(scope="module")
def fox(http: httpx.Client) -> Video:
    """A completed job; tests must not change it."""
    return finished(http, create(http, "A fox in the snow", seed=7))


def content_of(http: httpx.Client, video: Video) -> bytes:
    return http.get(f"/videos/{video['id']}/content").content


def image_bytes(colour: str, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (90, 60), colour).save(buffer, kind)
    return buffer.getvalue()


def frame(video: bytes, folder: Path) -> Image.Image:
    """Return the first frame of a video."""
    path = folder / "frame.mp4"
    path.write_bytes(video)
    with closing(imageio_ffmpeg.read_frames(str(path))) as frames:
        size = next(frames)["size"]
        return Image.frombytes("RGB", size, next(frames))


def pixel(image: Image.Image, from_right: int, from_bottom: int) -> tuple[int, ...]:
    colours = image.getpixel((image.width - from_right, image.height - from_bottom))
    assert isinstance(colours, tuple)
    return colours


# Rendering


@pytest.mark.parametrize(("size", "seconds", "fps"), [("128x72", "1", None), ("66x130", "2", 10)])
def test_render_has_requested_size_length_and_frame_rate(
    sdk: Sdk, tmp_path: Path, size: str, seconds: str, fps: int | None
):
    extra = {"fps": fps} if fps else {}
    video = sdk.videos.create_and_poll(
        prompt=next(prompts), model="sandbox-1-pro", size=size, seconds=seconds, extra_body=extra
    )
    assert video.status == "completed", video
    path = tmp_path / "video.mp4"
    sdk.videos.download_content(video.id).write_to_file(path)
    with closing(imageio_ffmpeg.read_frames(str(path))) as frames:
        properties = next(frames)
    assert "x".join(map(str, properties["source_size"])) == size
    assert (properties["codec"], properties["pix_fmt"].split("(")[0]) == ("h264", "yuv420p")
    assert properties["fps"] == (fps or 24)
    frames_and_seconds = (int(seconds) * (fps or 24), float(seconds))
    assert imageio_ffmpeg.count_frames_and_secs(str(path)) == frames_and_seconds


def test_render_puts_index_before_frames(http: httpx.Client, fox: Video):
    content = content_of(http, fox)
    assert content.index(b"moov") < content.index(b"mdat")


def test_render_with_same_seed_is_identical(http: httpx.Client, fox: Video):
    same, other = (finished(http, create(http, "A fox in the snow", seed=n)) for n in (7, 8))
    first, second, third = (content_of(http, video) for video in (fox, same, other))
    assert first == second
    assert first != third


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_uploaded_image_becomes_background(sdk: Sdk, http: httpx.Client, tmp_path: Path, kind: str):
    upload = (f"a.{kind.lower()}", image_bytes("red", kind), f"image/{kind.lower()}")
    video = sdk.videos.create_and_poll(
        prompt=next(prompts), model="sandbox-1", size="128x72", seconds="1", input_reference=upload
    )
    red, green, blue = pixel(frame(http.get(f"/videos/{video.id}/content").content, tmp_path), 2, 2)
    assert red > 200
    assert max(green, blue) < 60


def test_data_url_image_becomes_background(http: httpx.Client, tmp_path: Path):
    url = "data:image/png;base64," + base64.b64encode(image_bytes("blue")).decode()
    video = finished(http, create(http, next(prompts), input_reference={"image_url": url}))
    red, green, blue = pixel(frame(content_of(http, video), tmp_path), 2, 2)
    assert blue > 200
    assert max(red, green) < 60
    assert request_log(http)["creates"][-1]["has_input_reference"]


def test_remix_keeps_settings_and_shows_source(
    sdk: Sdk, http: httpx.Client, fox: Video, tmp_path: Path
):
    """The source plays in the lower right corner, framed in white."""
    video = sdk.videos.poll(sdk.videos.remix(fox["id"], prompt="Now at night").id)
    assert (video.status, video.remixed_from_video_id) == ("completed", fox["id"])
    assert (video.size, video.seconds) == (fox["size"], fox["seconds"])
    image = frame(http.get(f"/videos/{video.id}/content").content, tmp_path)
    assert min(pixel(image, 3, 10)) > 200
    entry = request_log(http)["creates"][-1]
    assert (entry["source"], entry["seed"], entry["accepted"]) == ("remix", 7, True)


def test_edit_accepts_file_or_id(sdk: Sdk, http: httpx.Client, fox: Video):
    """Size and length come from the uploaded video or from the job."""
    content = content_of(http, fox)
    uploaded = sdk.videos.edit(video=("a.mp4", content, "video/mp4"), prompt="Warmer")
    by_json = http.post("/videos/edits", json={"video": {"id": fox["id"]}, "prompt": "Colder"})
    form = {"video[id]": (None, fox["id"]), "prompt": (None, "Wetter")}
    by_form = http.post("/videos/edits", files=form)
    assert uploaded.remixed_from_video_id is None
    assert by_json.json()["remixed_from_video_id"] == fox["id"]
    for video_id in (uploaded.id, by_json.json()["id"], by_form.json()["id"]):
        video = sdk.videos.poll(video_id)
        assert (video.status, video.size, video.seconds) == ("completed", "128x72", "1")


def test_fit_keeps_text_inside_box():
    """Long text is cut with an ellipsis."""
    for text in ("word " * 100, "W" * 500, "日本語" * 100, "x" * 32_000):
        size, lines = fit(drawable(text), width=300, height=100, largest=20)
        assert all(font(size).getlength(line) <= 301 for line in lines)
        assert len(lines) * size <= 100
        assert lines[-1].endswith("…") or len(text) <= 500


def test_drawable_writes_characters_without_glyph_as_code_points():
    assert drawable("Zoë\n—  日本 ok <b>") == "Zoe - <65E5 672C> ok <b>"


def test_card_leaves_room_for_clock(tmp_path: Path):
    for width, height in ((64, 64), (64, 2048), (2048, 64), (1280, 720)):
        spec = RenderSpec(
            "word " * 200, "sandbox-1", width, height, 1, negative_prompt="not " * 200
        )
        draw_card(spec, tmp_path / "card.png")
        with Image.open(tmp_path / "card.png") as card:
            assert card.width < width
            assert card.height <= height * 0.56


# Responses


def test_create_returns_every_field_null_if_not_applicable(http: httpx.Client):
    video = create(http, f"{next(prompts)} [queue=60]")
    assert set(video) == VIDEO_FIELDS
    assert (video["status"], video["progress"], video["object"]) == ("queued", 0, "video")
    nothing = ("completed_at", "expires_at", "remixed_from_video_id", "error")
    assert [video[name] for name in nothing] == [None] * 4


def test_multipart_create_converts_numbers(http: httpx.Client):
    fields = {**SMALL, "prompt": next(prompts), "seed": "42", "negative_prompt": "rain"}
    reply = http.post(
        "/videos",
        files={name: (None, value) for name, value in fields.items()},
        headers={"idempotency-key": "once"},
    )
    assert reply.status_code == 200
    entry = request_log(http)["creates"][-1]
    assert (entry["seed"], entry["idempotency_key"]) == (42, "once")
    assert (entry["model"], entry["size"], entry["seconds"]) == ("sandbox-1", "128x72", "1")


def test_list_pages_in_both_directions(sdk: Sdk, http: httpx.Client):
    for _ in range(3):
        create(http, f"{next(prompts)} [queue=1]")
    newest_first = [video.id for video in sdk.videos.list(limit=2)]
    oldest_first = [video.id for video in sdk.videos.list(limit=2, order="asc")]
    assert newest_first == oldest_first[::-1]
    assert len(newest_first) >= 3
    assert http.get("/videos", params={"limit": 0}).json()["first_id"] is None


def test_content_supports_ranges(http: httpx.Client, fox: Video):
    url = f"/videos/{fox['id']}/content"
    whole = http.get(url)
    assert int(whole.headers["content-length"]) == len(whole.content)
    assert whole.headers["content-type"] == "video/mp4"
    part = http.get(url, headers={"range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, whole.content[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(whole.content)}"
    assert http.get(url, headers={"range": "bytes=-7"}).content == whole.content[-7:]
    assert http.get(url, headers={"range": "bytes=99999999-"}).status_code == 416
    assert http.get(url, params={"variant": "thumbnail"}).status_code == 404
    assert request_log(http)["downloads"][fox["id"]] >= 4


def test_delete_aborts_running_job(http: httpx.Client):
    video = create(http, next(prompts), size="2048x2048", seconds="60")
    wait_for(lambda: http.get(f"/videos/{video['id']}").json()["status"] == "in_progress")
    reply = http.delete(f"/videos/{video['id']}")
    assert reply.json() == {"id": video["id"], "object": "video.deleted", "deleted": True}
    assert http.get(f"/videos/{video['id']}").status_code == 404
    assert video["id"] in request_log(http)["deletes"]


def test_progress_increases_during_render(http: httpx.Client):
    video = create(http, next(prompts), size="1280x720", seconds="10")
    seen = []

    def done() -> bool:
        job = http.get(f"/videos/{video['id']}").json()
        seen.append(job["progress"])
        return bool(job["status"] == "completed")

    wait_for(done)
    assert seen == sorted(seen)
    assert seen[-1] == 100
    assert any(0 < progress < 100 for progress in seen)


# Errors


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({"n": 1}, "n", "unknown_parameter"),
        ({"model": "sora-3"}, "model", "model_not_found"),
        ({"prompt": ""}, "prompt", "invalid_value"),
        ({"prompt": None}, "prompt", "invalid_value"),
        ({"prompt": "x" * 32_001}, "prompt", "invalid_value"),
        ({"seconds": 4}, "seconds", "invalid_value"),
        ({"seconds": "0"}, "seconds", "invalid_value"),
        ({"seconds": "61"}, "seconds", "invalid_value"),
        ({"size": "127x72"}, "size", "invalid_value"),
        ({"size": "128x2050"}, "size", "invalid_value"),
        ({"size": "720p"}, "size", "invalid_value"),
        ({"seed": "7"}, "seed", "invalid_value"),
        ({"fps": 0}, "fps", "invalid_value"),
        ({"input_reference": "a.png"}, "input_reference", "invalid_value"),
        ({"input_reference": {}}, "input_reference", "invalid_value"),
        ({"input_reference": {"file_id": "file-1"}}, "input_reference", "invalid_value"),
        ({"input_reference": {"url": "x"}}, "input_reference.url", "unknown_parameter"),
        ({"input_reference": {"image_url": "data:,x"}}, "input_reference", "invalid_value"),
    ],
)
def test_create_refuses_invalid_field_by_name(
    http: httpx.Client, fields: dict[str, object], param: str, code: str
):
    """The request log has the rejected call."""
    reply = http.post("/videos", json={**SMALL, "prompt": "x", **fields})
    error = reply.json()["error"]
    assert (reply.status_code, error["type"]) == (400, "invalid_request_error")
    assert (error["param"], error["code"]) == (param, code)
    assert not request_log(http)["creates"][-1]["accepted"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/videos", {"content": b"{", "headers": JSON}, 400),
        ("POST", "/videos", {"data": {"prompt": "x"}}, 400),
        ("POST", "/videos", {"json": ["x"]}, 400),
        ("POST", "/videos/edits", {"files": {"prompt": (None, "x"), "video": b"not a video"}}, 400),
        ("POST", "/videos/edits", {"json": {"prompt": "x", "video": {"id": "none"}}}, 404),
        ("POST", "/videos/edits", {"json": {"prompt": "x"}}, 400),
        ("POST", "/videos/none/remix", {"json": {"prompt": "x"}}, 404),
        ("POST", "/videos/extensions", {"json": {}}, 405),
        ("GET", "/videos/none", {}, 404),
        ("GET", "/videos/none/content", {}, 404),
        ("DELETE", "/videos/none", {}, 404),
        ("GET", "/videos?limit=101", {}, 400),
        ("GET", "/videos?after=none", {}, 400),
        ("GET", "/characters", {}, 404),
    ],
)
def test_every_error_has_the_envelope(
    http: httpx.Client, method: str, path: str, body: Video, status: int
):
    reply = http.request(method, path, **body)
    assert reply.status_code == status
    assert set(reply.json()["error"]) == {"message", "type", "param", "code"}


def test_wrong_key_returns_401_for_every_path(sandbox_url: str):
    """Health and request log need no key."""
    for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": KEY}):
        for path in ("/v1/videos", "/v1/none"):
            assert httpx.get(f"{sandbox_url}{path}", headers=headers).status_code == 401
    assert httpx.get(f"{sandbox_url}/health").json() == {"ok": True}


def test_content_and_remix_of_unfinished_job_return_404(http: httpx.Client):
    video = create(http, f"{next(prompts)} [queue=60]")
    for reply in (
        http.get(f"/videos/{video['id']}/content"),
        http.post(f"/videos/{video['id']}/remix", json={"prompt": "x"}),
    ):
        assert (reply.status_code, reply.json()["error"]["code"]) == (404, "video_not_ready")


# Fault directives


def test_readme_lists_every_directive():
    text = (ROOT / "sandbox/README.md").read_text()
    listed = re.findall(r"^\| `\[([a-z0-9-]+)(?:=N)?\]`", text, re.MULTILINE)
    assert listed == list(DIRECTIVES)


def test_read_directives_ignores_other_brackets():
    assert read_directives("[cat] [slow=3] [slower] [fail]now [x=1]") == {"slow": 3, "fail": 1}


def test_frames_show_prompt_without_directives(tmp_path: Path):
    prompt = "A [calico] cat [slow=3] [fail]plays"
    assert without_directives(prompt) == "A [calico] cat plays"
    cards = []
    for text in (prompt, "A [calico] cat plays"):
        draw_card(RenderSpec(text, "sandbox-1", 1280, 720, 1), tmp_path / "card.png")
        cards.append((tmp_path / "card.png").read_bytes())
    assert cards[0] == cards[1]


def test_refuse_rejects_create(http: httpx.Client):
    prompt = f"{next(prompts)} [refuse]"
    reply = http.post("/videos", json={**SMALL, "prompt": prompt})
    error = reply.json()["error"]
    assert (reply.status_code, error["code"]) == (400, "content_policy_violation")
    entry = request_log(http)["creates"][-1]
    assert (entry["prompt"], entry["accepted"], entry["id"]) == (prompt, False, None)


def test_429_and_503_apply_to_first_n_creates(http: httpx.Client):
    """With both, 429 comes first."""
    fields = {**SMALL, "prompt": f"{next(prompts)} [429=2] [503=1]"}
    replies = [http.post("/videos", json=fields) for _ in range(4)]
    assert [reply.status_code for reply in replies] == [429, 429, 503, 200]
    assert replies[0].headers["retry-after"] == "1"


def test_sdk_retries_429(sandbox_url: str):
    with openai.OpenAI(api_key=KEY, base_url=f"{sandbox_url}/v1", max_retries=1) as client:
        patient: Sdk = client
        video = patient.videos.create(
            prompt=f"{next(prompts)} [429=1]", model="sandbox-1", size="128x72", seconds="1"
        )
    assert video.id


@pytest.mark.parametrize(
    ("directive", "code"), [("filter", "content_filter"), ("fail", "internal_error")]
)
def test_filter_and_fail_end_job_after_render(sdk: Sdk, directive: str, code: str):
    prompt = f"{next(prompts)} [{directive}]"
    video = sdk.videos.create_and_poll(prompt=prompt, model="sandbox-1", size="64x64", seconds="1")
    assert video.status == "failed"
    assert video.error
    assert video.error.code == code
    assert (video.completed_at, video.progress < 100) == (None, True)


def test_queue_and_slow_delay_job(http: httpx.Client):
    started = time.monotonic()
    video = create(http, f"{next(prompts)} [queue=3] [slow=3]")
    seen: dict[str, float] = {}

    def done() -> bool:
        job = http.get(f"/videos/{video['id']}").json()
        seen.setdefault(job["status"], time.monotonic())
        return "completed" in seen

    wait_for(done)
    assert list(seen) == ["queued", "in_progress", "completed"]
    assert seen["in_progress"] - started > 2.9
    assert seen["completed"] - started > 5.9


def test_poll_directives_do_not_affect_job(http: httpx.Client):
    failing, unknown, lost = (
        create(http, f"{next(prompts)} [{directive}]")
        for directive in ("poll-503=2", "unknown-status", "lose")
    )
    polls = [http.get(f"/videos/{failing['id']}").status_code for _ in range(3)]
    assert polls == [503, 503, 200]
    assert request_log(http)["polls"][failing["id"]] == 3
    assert http.get(f"/videos/{unknown['id']}").json()["status"] == "melting"
    assert http.get(f"/videos/{lost['id']}").status_code == 404
    assert finished(http, lost)["status"] == "completed"
    assert http.get(f"/videos/{lost['id']}/content").is_success


def test_content_directives_corrupt_download(http: httpx.Client):
    page, nothing, half = (
        finished(http, create(http, f"{next(prompts)} [{directive}]"))["id"]
        for directive in ("html", "empty", "truncate")
    )
    reply = http.get(f"/videos/{page}/content")
    assert (reply.status_code, reply.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert http.get(f"/videos/{nothing}/content").content == b""
    with pytest.raises(httpx.RemoteProtocolError, match="peer closed connection"):
        http.get(f"/videos/{half}/content")


def test_big_pads_playable_file(http: httpx.Client, tmp_path: Path):
    """Ranges reach into the padding, and ffmpeg decodes the file."""
    video = finished(http, create(http, f"{next(prompts)} [big=3]"))
    url = f"/videos/{video['id']}/content"
    content = http.get(url).content
    assert len(content) == 3 * 1024 * 1024
    for start, stop in ((0, 99), (5000, 40_000), (2_000_000, 2_999_999)):
        part = http.get(url, headers={"range": f"bytes={start}-{stop}"})
        assert part.content == content[start : stop + 1]
    assert frame(content, tmp_path).size == (128, 72)
    assert imageio_ffmpeg.count_frames_and_secs(str(tmp_path / "frame.mp4")) == (24, 1.0)


def test_hang_create_starts_job_before_it_hangs(http: httpx.Client):
    prompt = f"{next(prompts)} [hang-create]"
    with pytest.raises(httpx.ReadTimeout):
        http.post("/videos", json={**SMALL, "prompt": prompt}, timeout=READ_TIMEOUT)

    def accepted() -> list[Video]:
        entries = request_log(http)["creates"]
        return [entry for entry in entries if entry["prompt"] == prompt and entry["accepted"]]

    (entry,) = wait_for(accepted)
    assert finished(http, entry)["status"] == "completed"


# Process


def test_sandbox_imports_only_itself_and_third_parties():
    modules = [path.read_text() for path in (ROOT / "sandbox").rglob("*.py")]
    ours = r"^\s*(?:from|import) (?:local|rushes|tests|functions|scripts|bench)\b"
    assert not [text for text in modules if re.search(ours, text, re.MULTILINE)]


def test_start_without_key_fails():
    environment = {name: value for name, value in os.environ.items() if name != "SANDBOX_API_KEY"}
    command = [sys.executable, "-m", "sandbox", "--port", "1"]
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False)
    assert run.returncode == 1
    assert b"SANDBOX_API_KEY" in run.stderr


def test_sigterm_kills_renders_and_removes_files(tmp_path: Path):
    with running_sandbox(tmp_path) as (url, process):
        with httpx.Client(base_url=f"{url}/v1", headers=BEARER, timeout=60) as http:
            video = create(http, next(prompts), size="2048x2048", seconds="60")
            wait_for(lambda: http.get(f"/videos/{video['id']}").json()["progress"] > 0)
            hanging = {**SMALL, "prompt": "[hang-create]"}
            with pytest.raises(httpx.ReadTimeout):
                http.post("/videos", json=hanging, timeout=READ_TIMEOUT)
        assert list(tmp_path.glob("sandbox-*"))
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        renders = children.read_text().split() if children.exists() else []
        process.terminate()
        process.wait(timeout=120)
    assert not list(tmp_path.glob("sandbox-*"))
    assert not [pid for pid in renders if Path(f"/proc/{pid}").exists()]


def test_reset_clears_request_log_and_keeps_jobs(tmp_path: Path):
    with (
        running_sandbox(tmp_path) as (url, _),
        httpx.Client(base_url=f"{url}/v1", headers=BEARER, timeout=60) as http,
    ):
        video = create(http, next(prompts))
        http.get(f"/videos/{video['id']}")
        assert httpx.post(f"{url}/_reset").is_success
        assert request_log(http) == {"creates": [], "polls": {}, "downloads": {}, "deletes": []}
        assert finished(http, video)["status"] == "completed"
