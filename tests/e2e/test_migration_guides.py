"""Run every command and program of docs/from-sora-to-*.md in order, at a terminal.

The vendor is the local sandbox, which enforces the vendor's published types: after each `set-key`,
which removes the sandbox's URL, the test sets it again. The stack on AWS is that of the local
engine, of the same name.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from openai import OpenAI
from PIL import Image

from local.packaging import ROOT
from local.stack import SANDBOX_PROVIDERS, Stack
from local.up import write_environment
from local.video_probe import VideoInfo, probe_video
from tests.e2e.programs import copy_tree, run, visible_variables
from tests.e2e.small_jobs import request_log
from tests.e2e.terminal import run_at_terminal
from tests.stack import WAIT_SCALE

PAGES = {name: ROOT / f"docs/from-sora-to-{name}.md" for name in ("fal", "runway")}
URLS = {"fal": "https://queue.fal.run", "runway": "https://api.dev.runwayml.com/v1"}
MODELS = {
    "fal": ("fal-ai/veo3.1/fast", "fal-ai/veo3.1/fast/image-to-video"),
    "runway": ("veo3.1_fast", "veo3.1_fast"),
}
"""Models of the vendor without and with an image."""
BLOCK = re.compile(r"```(\w+)(?: (\S+))?\n(.*?)```", re.DOTALL)
RUN_ELSEWHERE = {
    "make up": "tests/e2e/test_up.py",
    "make build": "tests/e2e/test_readme.py",
    ".local/envs/sam/bin/sam deploy": "tests/e2e/test_readme.py",
}
FINISHED = re.compile(r"^completed (job_\w+) 8 (\d+x\d+) None$", re.MULTILINE)


@dataclass(frozen=True)
class Walk:
    """What a reader has after the last command of a page."""

    vendor: str
    page: str
    folder: Path
    stack: Stack
    shown: str

    @property
    def client(self) -> OpenAI:
        key = self.stack.environment()["RUSHES_API_KEY"]
        return OpenAI(base_url=f"{self.stack.url}/openai/v1", api_key=key)

    def jobs(self) -> list[str]:
        return [job for job, _ in FINISHED.findall(self.shown)]

    def video(self, name: str) -> VideoInfo:
        return probe_video(self.folder / name)


@pytest.fixture(scope="module", params=PAGES)
def walk(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Walk]:
    vendor: str = request.param
    page = PAGES[vendor].read_text()
    folder = copy_tree(tmp_path_factory.mktemp(vendor))
    (folder / ".local").mkdir()
    for shared in ("envs", "uv"):
        (folder / ".local" / shared).symlink_to(ROOT / ".local" / shared)
    Image.new("RGB", (720, 1280), "teal").save(folder / "first_frame.jpg")
    with Stack(folder / ".local/state", wait_scale=WAIT_SCALE) as stack:
        write_environment(folder / ".local/stack.env", stack.environment())
        aws = {
            name: value for name, value in stack.environment().items() if name.startswith("AWS_")
        }
        script = "\n".join(_lines(page, folder, stack)).replace("=ApiUrl/", f"={stack.url}/")
        key = stack.environment()["SANDBOX_API_KEY"]
        variables = visible_variables() | aws
        shown = run_at_terminal(script, folder, variables, f"API key of {vendor}", key)
        yield Walk(vendor, page, folder, stack, shown)


def _lines(page: str, folder: Path, stack: Stack) -> Iterator[str]:
    """Yield the commands of a page, and write its files before."""
    for kind, name, text in BLOCK.findall(page):
        if name:
            (folder / name).write_text(text)
        if kind == "bash":
            for line in text.splitlines():
                if line not in RUN_ELSEWHERE:
                    yield line
                yield from _sandbox_again(line, stack)


def _sandbox_again(line: str, stack: Stack) -> Iterator[str]:
    if command := re.fullmatch(r"(\./rushes provider set-key (\w+)) (.*)", line):
        url = stack.sandbox_url + SANDBOX_PROVIDERS[command[2]]
        yield f"{command[1]} --without-key --base-url {url} --local"


def test_page_has_each_step_and_no_other_command(walk: Walk):
    commands = [text for kind, _, text in BLOCK.findall(walk.page) if kind == "bash"]
    assert [line for text in commands for line in text.splitlines()] == [
        "make up",
        "./rushes config check",
        "./rushes config push --local",
        f"./rushes provider set-key {walk.vendor} --local",
        f"./rushes provider test {walk.vendor} --local",
        'export OPENAI_BASE_URL=$(. .local/stack.env; echo "$RUSHES_URL/openai/v1")',
        'export OPENAI_API_KEY=$(. .local/stack.env; echo "$RUSHES_API_KEY")',
        ".local/envs/local/bin/python -W ignore sora.py",
        ".local/envs/local/bin/python -W ignore sora_with_image.py",
        "make build",
        ".local/envs/sam/bin/sam deploy",
        "./rushes config push --stack rushes",
        f"./rushes provider set-key {walk.vendor} --stack rushes",
        "export OPENAI_BASE_URL=ApiUrl/openai/v1",
        "export OPENAI_API_KEY=$(make key ACCOUNT=my-team)",
        ".local/envs/local/bin/python -W ignore sora.py",
    ]


@pytest.mark.parametrize(("command", "path"), RUN_ELSEWHERE.items())
def test_command_that_is_not_run_here_is_run_by_another_test(command: str, path: str):
    assert command in (ROOT / path).read_text()


def test_commands_show_what_the_page_says(walk: Walk):
    assert "rushes.toml: valid: 1 providers" in walk.shown
    assert "published version 2; functions take it up within a minute" in walk.shown
    assert f"calls go to {URLS[walk.vendor]}, no longer to the sandbox" in walk.shown
    assert f"{walk.vendor}: key accepted" in walk.shown
    assert "version 2 is this configuration: nothing to publish" in walk.shown
    sizes = [size for _, size in FINISHED.findall(walk.shown)]
    assert sizes == ["1080x1920", "720x1280", "1080x1920"]


def test_programs_leave_playable_videos(walk: Walk):
    fox, scene = walk.video("fox.mp4"), walk.video("scene.mp4")
    assert (fox.codec, fox.size, fox.seconds) == ("h264", (1080, 1920), 8.0)
    assert (scene.codec, scene.size, scene.seconds) == ("h264", (720, 1280), 8.0)


def test_vendor_gets_its_own_models_and_refuses_nothing(walk: Walk):
    creates: list[dict[str, Any]] = request_log(walk.stack)["creates"]
    plain, with_image = MODELS[walk.vendor]
    found = [(call["model"], call["has_input_reference"], call["accepted"]) for call in creates]
    assert found == [(plain, False, True), (with_image, True, True), (plain, False, True)]


def test_header_has_the_warnings_of_the_page(walk: Walk):
    (shown,) = (text for kind, _, text in BLOCK.findall(walk.page) if kind == "text")
    retrieve = walk.client.videos.with_raw_response.retrieve
    changed, exact, _ = walk.jobs()
    assert retrieve(changed).headers["rushes-warning"] == shown.strip()
    assert "rushes-warning" not in retrieve(exact).headers


def test_history_of_a_job_is_shown_by_the_command_of_the_last_row(walk: Walk):
    (command,) = re.findall(r"`(\(set -a; [^`]*make show[^`]*)`", walk.page)
    job = walk.jobs()[0]
    text = run(command.replace("job_…", job), walk.folder)
    assert f"accepted by {walk.vendor}" in text
    assert "price $1.20" in text
    assert "warning: seconds 12 was changed to 8" in text


def test_list_shows_where_calls_go(walk: Walk):
    command = "./rushes provider list --local"
    assert f"`{command}`" in walk.page
    assert walk.stack.sandbox_url in run(command, walk.folder)


def test_push_can_be_taken_back(walk: Walk):
    command = "./rushes config rollback --local"
    assert f"`{command}`" in walk.page
    assert "published version 3, which is version 1 again" in run(command, walk.folder)
