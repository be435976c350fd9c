"""The sandbox over real HTTP: strict in what it takes, true in what it renders."""

import base64
import io
import itertools
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import httpx
import imageio_ffmpeg
import openai
import pytest
from PIL import Image

from sandbox.fault_directives import DIRECTIVES, read_directives
from sandbox.render_spec import Brief
from sandbox.test_image import draw_card
from sandbox.text_overlay import drawable, fit, font

ROOT = Path(__file__).parents[2]
KEY = "key-of-the-tests"
SMALL = {"model": "sandbox-1", "size": "128x72", "seconds": "1"}
JSON = {"content-type": "application/json"}
VIDEO_FIELDS = {
    *("id", "object", "model", "status", "progress", "created_at", "completed_at", "expires_at"),
    *("prompt", "size", "seconds", "remixed_from_video_id", "error"),
}
# The SDK declares every video method deprecated, and knows the sizes and lengths of Sora only.
Sdk: TypeAlias = Any
Video: TypeAlias = dict[str, Any]
prompts = (f"prompt {number}" for number in itertools.count())


@contextmanager
def running_sandbox(temporary: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "SANDBOX_API_KEY": KEY, "TMPDIR": str(temporary)}
    command = [sys.executable, "-m", "sandbox", "--port", str(port)]
    with subprocess.Popen(command, cwd=ROOT, env=environment) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until(lambda: answers(f"{url}/health"))
            yield url, process
        finally:
            process.terminate()


def wait_until(condition: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.03)


def answers(url: str) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as (url, _):
        yield url


@pytest.fixture(scope="module")
def http(sandbox: str) -> Iterator[httpx.Client]:
    headers = {"authorization": f"Bearer {KEY}"}
    with httpx.Client(base_url=f"{sandbox}/v1", headers=headers, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def sdk(sandbox: str) -> Iterator[Sdk]:
    with openai.OpenAI(api_key=KEY, base_url=f"{sandbox}/v1", max_retries=0) as client:
        yield client


@pytest.fixture(scope="module")
def fox(http: httpx.Client) -> Video:
    """A completed job that tests only read."""
    return finished(http, create(http, "A fox in the snow", seed=7))


def create(http: httpx.Client, prompt: str, **fields: object) -> Video:
    reply = http.post("/videos", json={**SMALL, "prompt": prompt, **fields})
    assert reply.is_success, reply.text
    video: Video = reply.json()
    return video


def finished(http: httpx.Client, video: Video) -> Video:
    """The job when it has ended, as the list shows it: polls may be directed."""

    def shown() -> Video:
        jobs = http.get("/videos", params={"limit": 100}).json()["data"]
        return next(job for job in jobs if job["id"] == video["id"])

    wait_until(lambda: shown()["status"] in {"completed", "failed"})
    return shown()


def content_of(http: httpx.Client, video: Video) -> bytes:
    return http.get(f"/videos/{video['id']}/content").content


def request_log(http: httpx.Client) -> Video:
    entries: dict[str, Any] = httpx.get(http.base_url.join("/_ledger")).json()
    return entries


def picture(colour: str, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (90, 60), colour).save(buffer, kind)
    return buffer.getvalue()


def frame(video: bytes, folder: Path) -> Image.Image:
    """The first picture of a video."""
    path = folder / "frame.mp4"
    path.write_bytes(video)
    with closing(imageio_ffmpeg.read_frames(str(path))) as frames:
        size = next(frames)["size"]
        return Image.frombytes("RGB", size, next(frames))


def pixel(image: Image.Image, from_right: int, from_bottom: int) -> tuple[int, ...]:
    colours = image.getpixel((image.width - from_right, image.height - from_bottom))
    assert isinstance(colours, tuple)
    return colours


# What it renders


@pytest.mark.parametrize(("size", "seconds", "fps"), [("128x72", "1", None), ("66x130", "2", 10)])
def test_the_file_has_exactly_the_asked_size_length_and_frames(
    sdk: Sdk, tmp_path: Path, size: str, seconds: str, fps: int | None
):
    """What create_and_poll makes is H.264 in yuv420p, as large, long and fast as asked."""
    extra = {"fps": fps} if fps else {}
    video = sdk.videos.create_and_poll(
        prompt=next(prompts), model="sandbox-1-pro", size=size, seconds=seconds, extra_body=extra
    )
    assert video.status == "completed", video
    path = tmp_path / "video.mp4"
    sdk.videos.download_content(video.id).write_to_file(path)
    with closing(imageio_ffmpeg.read_frames(str(path))) as frames:
        facts = next(frames)
    assert "x".join(map(str, facts["source_size"])) == size
    assert (facts["codec"], facts["pix_fmt"].split("(")[0]) == ("h264", "yuv420p")
    assert facts["fps"] == (fps or 24)
    assert imageio_ffmpeg.count_frames_and_secs(str(path)) == (
        int(seconds) * (fps or 24),
        float(seconds),
    )


def test_the_index_comes_before_the_pictures(http: httpx.Client, fox: Video):
    """A browser can start playing before it has the whole file."""
    content = content_of(http, fox)
    assert content.index(b"moov") < content.index(b"mdat")


def test_a_seed_makes_the_same_file_again(http: httpx.Client, fox: Video):
    """The same call gives the same bytes; another seed gives others."""
    same, other = (finished(http, create(http, "A fox in the snow", seed=n)) for n in (7, 8))
    first, second, third = (
        http.get(f"/videos/{v['id']}/content").content for v in (fox, same, other)
    )
    assert first == second
    assert first != third


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_an_uploaded_picture_is_the_background(
    sdk: Sdk, http: httpx.Client, tmp_path: Path, kind: str
):
    """A red input reference makes a red video."""
    upload = (f"a.{kind.lower()}", picture("red", kind), f"image/{kind.lower()}")
    video = sdk.videos.create_and_poll(
        prompt=next(prompts), model="sandbox-1", size="128x72", seconds="1", input_reference=upload
    )
    red, green, blue = pixel(frame(http.get(f"/videos/{video.id}/content").content, tmp_path), 2, 2)
    assert red > 200
    assert max(green, blue) < 60


def test_a_data_url_picture_is_the_background(http: httpx.Client, tmp_path: Path):
    """JSON carries the picture as a data URL."""
    url = "data:image/png;base64," + base64.b64encode(picture("blue")).decode()
    video = finished(http, create(http, next(prompts), input_reference={"image_url": url}))
    red, green, blue = pixel(frame(content_of(http, video), tmp_path), 2, 2)
    assert blue > 200
    assert max(red, green) < 60
    assert request_log(http)["creates"][-1]["has_input_reference"]


def test_a_remix_keeps_the_settings_and_shows_its_source(
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


def test_an_edit_takes_a_file_or_an_id(sdk: Sdk, http: httpx.Client, fox: Video):
    """An uploaded video gives its own size and length; an id gives its job's."""
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


def test_text_never_leaves_its_card():
    """Any prompt fits the width and the height it is given, at worst cut off with an ellipsis."""
    for text in ("word " * 100, "W" * 500, "日本語" * 100, "x" * 32_000):
        size, lines = fit(drawable(text), width=300, height=100, largest=20)
        assert all(font(size).getlength(line) <= 301 for line in lines)
        assert len(lines) * size <= 100
        assert lines[-1].endswith("…") or len(text) <= 500


def test_characters_without_a_glyph_are_shown_as_code_points():
    """Accents may go; what cannot be drawn is still told apart."""
    assert drawable("Zoë\n—  日本 ok <b>") == "Zoe - <65E5 672C> ok <b>"


def test_the_card_is_no_higher_than_its_room(tmp_path: Path):
    """A long prompt leaves the clock uncovered at every shape of picture."""
    for width, height in ((64, 64), (64, 2048), (2048, 64), (1280, 720)):
        brief = Brief("word " * 200, "sandbox-1", width, height, 1, negative_prompt="not " * 200)
        draw_card(brief, tmp_path / "card.png")
        with Image.open(tmp_path / "card.png") as card:
            assert card.width < width
            assert card.height <= height * 0.56


# What it says


def test_every_field_is_there_and_null_where_it_does_not_apply(http: httpx.Client):
    """A queued job has all thirteen published fields."""
    video = create(http, f"{next(prompts)} [queue=5]")
    assert set(video) == VIDEO_FIELDS
    assert (video["status"], video["progress"], video["object"]) == ("queued", 0, "video")
    nothing = ("completed_at", "expires_at", "remixed_from_video_id", "error")
    assert [video[name] for name in nothing] == [None] * 4


def test_a_multipart_create_counts_its_numbers_as_numbers(http: httpx.Client):
    """In a form all is text, and seed is still an integer."""
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


def test_the_list_pages_in_both_directions(sdk: Sdk, http: httpx.Client):
    """The SDK walks page by page over every job, newest first unless asked otherwise."""
    for _ in range(3):
        create(http, f"{next(prompts)} [queue=1]")
    newest_first = [video.id for video in sdk.videos.list(limit=2)]
    oldest_first = [video.id for video in sdk.videos.list(limit=2, order="asc")]
    assert newest_first == oldest_first[::-1]
    assert len(newest_first) >= 3
    assert http.get("/videos", params={"limit": 0}).json()["first_id"] is None


def test_content_comes_whole_or_by_range(http: httpx.Client, fox: Video):
    """Ranges have their bounds and the total in the answer; impossible ones are refused."""
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


def test_deleting_a_running_job_aborts_it(http: httpx.Client):
    """Delete is the cancel of a job that still runs."""
    video = create(http, next(prompts), size="2048x2048", seconds="60")
    wait_until(lambda: http.get(f"/videos/{video['id']}").json()["status"] == "in_progress")
    reply = http.delete(f"/videos/{video['id']}")
    assert reply.json() == {"id": video["id"], "object": "video.deleted", "deleted": True}
    assert http.get(f"/videos/{video['id']}").status_code == 404
    assert video["id"] in request_log(http)["deletes"]


def test_progress_follows_the_render(http: httpx.Client):
    """A client sees values between 0 and 100, never going back."""
    video = create(http, next(prompts), size="1280x720", seconds="10")
    seen = []

    def done() -> bool:
        shown = http.get(f"/videos/{video['id']}").json()
        seen.append(shown["progress"])
        return bool(shown["status"] == "completed")

    wait_until(done)
    assert seen == sorted(seen)
    assert seen[-1] == 100
    assert any(0 < progress < 100 for progress in seen)


# What it refuses


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({"n": 1}, "n", "unknown_parameter"),
        ({"model": "sora-2"}, "model", "model_not_found"),
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
def test_a_field_that_is_not_published_is_refused_by_name(
    http: httpx.Client, fields: dict[str, object], param: str, code: str
):
    """The error envelope names the field at fault, and the ledger has the attempt."""
    reply = http.post("/videos", json={**SMALL, "prompt": "x", **fields})
    error = reply.json()["error"]
    assert (reply.status_code, error["type"]) == (400, "invalid_request_error")
    assert (error["param"], error["code"]) == (param, code)
    assert not request_log(http)["creates"][-1]["accepted"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        (
            "POST",
            "/videos",
            {"content": b"{", "headers": {"content-type": "application/json"}},
            400,
        ),
        ("POST", "/videos", {"data": {"prompt": "x"}}, 400),
        ("POST", "/videos", {"json": ["x"]}, 400),
        ("POST", "/videos/edits", {"files": {"prompt": (None, "x"), "video": b"no video"}}, 400),
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
def test_every_refusal_has_the_envelope(
    http: httpx.Client, method: str, path: str, body: Video, status: int
):
    """Whatever is wrong, the answer is JSON with the four members of an error."""
    reply = http.request(method, path, **body)
    assert reply.status_code == status
    assert set(reply.json()["error"]) == {"message", "type", "param", "code"}


def test_a_wrong_key_opens_nothing(sandbox: str):
    """Without the key even an unknown path says 401; ledger and health need none."""
    for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": KEY}):
        for path in ("/v1/videos", "/v1/none"):
            assert httpx.get(f"{sandbox}{path}", headers=headers).status_code == 401
    assert httpx.get(f"{sandbox}/health").json() == {"ok": True}


def test_content_of_an_unfinished_job_is_not_found(http: httpx.Client):
    """Neither content nor remix exist before the video does."""
    video = create(http, f"{next(prompts)} [queue=5]")
    for reply in (
        http.get(f"/videos/{video['id']}/content"),
        http.post(f"/videos/{video['id']}/remix", json={"prompt": "x"}),
    ):
        assert (reply.status_code, reply.json()["error"]["code"]) == (404, "video_not_ready")


# The directives


def test_the_readme_lists_every_directive():
    """The table that people read and the table that the sandbox follows have the same words."""
    text = (ROOT / "sandbox/README.md").read_text()
    listed = re.findall(r"^\| `\[([a-z0-9-]+)(?:=N)?\]`", text, re.MULTILINE)
    assert listed == list(DIRECTIVES)


def test_other_brackets_are_plain_text():
    """A prompt may use brackets for its own purposes."""
    assert read_directives("[cat] [slow=3] [slower] [fail]now [x=1]") == {"slow": 3, "fail": 1}


def test_refuse_is_a_refusal_at_submit(http: httpx.Client):
    """No job is made, and the attempt is in the ledger."""
    prompt = f"{next(prompts)} [refuse]"
    reply = http.post("/videos", json={**SMALL, "prompt": prompt})
    error = reply.json()["error"]
    assert (reply.status_code, error["code"]) == (400, "content_policy_violation")
    entry = request_log(http)["creates"][-1]
    assert (entry["prompt"], entry["accepted"], entry["id"]) == (prompt, False, None)


def test_429_and_503_pass_after_so_many_creates(http: httpx.Client):
    """Both count creates of the same prompt; with both, 429 comes first."""
    fields = {**SMALL, "prompt": f"{next(prompts)} [429=2] [503=1]"}
    replies = [http.post("/videos", json=fields) for _ in range(4)]
    assert [reply.status_code for reply in replies] == [429, 429, 503, 200]
    assert replies[0].headers["retry-after"] == "1"


def test_the_sdk_survives_a_429(sandbox: str):
    """With its own retries the SDK gets its job."""
    with openai.OpenAI(api_key=KEY, base_url=f"{sandbox}/v1", max_retries=1) as client:
        patient: Sdk = client
        video = patient.videos.create(
            prompt=f"{next(prompts)} [429=1]", model="sandbox-1", size="128x72", seconds="1"
        )
    assert video.id


@pytest.mark.parametrize(
    ("directive", "code"), [("filter", "content_filter"), ("fail", "internal_error")]
)
def test_filter_and_fail_run_first(sdk: Sdk, directive: str, code: str):
    """The job fails with its code, and never claims to be complete."""
    prompt = f"{next(prompts)} [{directive}]"
    video = sdk.videos.create_and_poll(prompt=prompt, model="sandbox-1", size="64x64", seconds="1")
    assert video.status == "failed"
    assert video.error
    assert video.error.code == code
    assert (video.completed_at, video.progress < 100) == (None, True)


def test_queue_and_slow_take_their_time(http: httpx.Client):
    """One second in each state, and a progress that pretends."""
    video = create(http, f"{next(prompts)} [queue=1] [slow=1]")
    seen: dict[str, float] = {}

    def done() -> bool:
        shown = http.get(f"/videos/{video['id']}").json()
        seen.setdefault(shown["status"], time.monotonic())
        return "completed" in seen

    wait_until(done)
    assert list(seen) == ["queued", "in_progress", "completed"]
    assert seen["in_progress"] - seen["queued"] > 0.8
    assert seen["completed"] - seen["in_progress"] > 0.8


def test_polls_can_fail_be_strange_or_find_nothing(http: httpx.Client):
    """The job itself is well all the while: its content can be had."""
    unwell, strange, lost = (
        create(http, f"{next(prompts)} [{word}]")
        for word in ("poll-503=2", "unknown-status", "lose")
    )
    polls = [http.get(f"/videos/{unwell['id']}").status_code for _ in range(3)]
    assert polls == [503, 503, 200]
    assert request_log(http)["polls"][unwell["id"]] == 3
    assert http.get(f"/videos/{strange['id']}").json()["status"] == "melting"
    assert http.get(f"/videos/{lost['id']}").status_code == 404
    assert finished(http, lost)["status"] == "completed"
    assert http.get(f"/videos/{lost['id']}/content").is_success


def test_content_can_be_spoilt(http: httpx.Client):
    """A page, nothing, or half of what was announced."""
    page, nothing, half = (
        finished(http, create(http, f"{next(prompts)} [{word}]"))["id"]
        for word in ("html", "empty", "truncate")
    )
    reply = http.get(f"/videos/{page}/content")
    assert (reply.status_code, reply.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert http.get(f"/videos/{nothing}/content").content == b""
    with pytest.raises(httpx.RemoteProtocolError, match="peer closed connection"):
        http.get(f"/videos/{half}/content")


def test_a_big_file_still_plays(http: httpx.Client, tmp_path: Path):
    """Its length is as asked, its ranges reach into the padding, and a decoder takes it."""
    video = finished(http, create(http, f"{next(prompts)} [big=3]"))
    url = f"/videos/{video['id']}/content"
    content = http.get(url).content
    assert len(content) == 3 * 1024 * 1024
    for start, stop in ((0, 99), (5000, 40_000), (2_000_000, 2_999_999)):
        part = http.get(url, headers={"range": f"bytes={start}-{stop}"})
        assert part.content == content[start : stop + 1]
    assert frame(content, tmp_path).size == (128, 72)
    assert imageio_ffmpeg.count_frames_and_secs(str(tmp_path / "frame.mp4")) == (24, 1.0)


def test_hang_create_makes_the_job_before_it_hangs(http: httpx.Client):
    """A client that gives up has a job that it does not know of."""
    prompt = f"{next(prompts)} [hang-create]"
    with pytest.raises(httpx.ReadTimeout):
        http.post("/videos", json={**SMALL, "prompt": prompt}, timeout=0.3)
    entry = next(entry for entry in request_log(http)["creates"] if entry["prompt"] == prompt)
    assert entry["accepted"]
    assert finished(http, entry)["status"] == "completed"


# Its life


def test_it_does_not_start_without_a_key():
    """A forgotten variable is told, not guessed."""
    environment = {name: value for name, value in os.environ.items() if name != "SANDBOX_API_KEY"}
    command = [sys.executable, "-m", "sandbox", "--port", "1"]
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False)
    assert run.returncode == 1
    assert b"SANDBOX_API_KEY" in run.stderr


def test_sigterm_ends_renders_and_removes_files(tmp_path: Path):
    """A sandbox in the middle of work stops within seconds and leaves nothing behind."""
    with running_sandbox(tmp_path) as (url, process):
        headers = {"authorization": f"Bearer {KEY}"}
        with httpx.Client(base_url=f"{url}/v1", headers=headers) as http:
            video = create(http, next(prompts), size="2048x2048", seconds="60")
            wait_until(lambda: http.get(f"/videos/{video['id']}").json()["progress"] > 0)
            with pytest.raises(httpx.ReadTimeout):
                http.post("/videos", json={**SMALL, "prompt": "[hang-create]"}, timeout=0.2)
        assert list(tmp_path.glob("sandbox-*"))
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        renders = children.read_text().split() if children.exists() else []
        process.terminate()
        process.wait(timeout=5)
    assert not list(tmp_path.glob("sandbox-*"))
    assert not [pid for pid in renders if Path(f"/proc/{pid}").exists()]


def test_a_reset_empties_the_ledger(tmp_path: Path):
    """Counts begin anew; jobs stay."""
    with running_sandbox(tmp_path) as (url, _):
        headers = {"authorization": f"Bearer {KEY}"}
        with httpx.Client(base_url=f"{url}/v1", headers=headers) as http:
            video = create(http, next(prompts))
            http.get(f"/videos/{video['id']}")
            assert httpx.post(f"{url}/_reset").is_success
            assert request_log(http) == {"creates": [], "polls": {}, "downloads": {}, "deletes": []}
            assert finished(http, video)["status"] == "completed"
