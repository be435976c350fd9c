"""The commands of docs/downloads.md, for clients that keep `Authorization` after a redirect."""

import os
import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import httpx
import pytest

from local.packaging import ROOT
from local.stack import Stack
from tests.e2e.small_jobs import completes, create

GUIDE = (ROOT / "docs/downloads.md").read_text()
BLOCKS = [
    (kind, dedent(text))
    for kind, text in re.findall(r"```(bash|python)\n(.*?)```", GUIDE, re.DOTALL)
]
FOLLOWING = """
import os, urllib.request
url = f"{os.environ['RUSHES_URL']}/openai/v1/videos/{os.environ['ID']}/content%s"
headers = {"Authorization": f"Bearer {os.environ['RUSHES_API_KEY']}"}
reply = urllib.request.urlopen(urllib.request.Request(url, headers=headers))
open("video.mp4", "wb").write(reply.read())
"""
"""A program that follows redirects with the header Authorization."""


@pytest.fixture(scope="module")
def environment(stack: Stack) -> dict[str, str]:
    """Variables of the commands, with the id of a completed job."""
    variables = stack.environment()
    key = {"authorization": f"Bearer {variables['RUSHES_API_KEY']}"}
    with httpx.Client(base_url=stack.url, headers=key, timeout=120) as client:
        job_id = create(client).json()["id"]
        assert completes(client, job_id, 300)
    return {"PATH": os.environ["PATH"], "ID": job_id, **variables}


def run(kind: str, text: str, environment: dict[str, str], folder: Path) -> str:
    command = ["bash", "-euo", "pipefail", "-c"] if kind == "bash" else [sys.executable, "-c"]
    done = subprocess.run(
        [*command, text], env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    return done.stderr if done.returncode else ""


def content(stack: Stack, environment: dict[str, str]) -> bytes:
    key = {"authorization": f"Bearer {environment['RUSHES_API_KEY']}"}
    url = f"{stack.url}/openai/v1/videos/{environment['ID']}/content"
    return httpx.get(url, headers=key, follow_redirects=True).content


@pytest.mark.parametrize(("kind", "text"), BLOCKS, ids=[kind for kind, _ in BLOCKS])
def test_commands_download_the_video(
    kind: str, text: str, stack: Stack, environment: dict[str, str], tmp_path: Path
):
    assert run(kind, text, environment, tmp_path) == ""
    assert (tmp_path / "video.mp4").read_bytes() == content(stack, environment)


def test_client_that_keeps_authorization_gets_a_small_file(
    stack: Stack, environment: dict[str, str], tmp_path: Path
):
    assert run("python", FOLLOWING % "", environment, tmp_path) == ""
    assert (tmp_path / "video.mp4").read_bytes() == content(stack, environment)


def test_redirect_of_a_client_that_keeps_authorization_is_refused_as_on_aws(
    environment: dict[str, str], tmp_path: Path
):
    program = FOLLOWING % "?redirect=true"
    assert "HTTP Error 400" in run("python", program, environment, tmp_path)


def test_head_of_content_has_the_link(stack: Stack, environment: dict[str, str]):
    key = {"authorization": f"Bearer {environment['RUSHES_API_KEY']}"}
    url = f"{stack.url}/openai/v1/videos/{environment['ID']}/content"
    reply = httpx.head(url, headers=key)
    assert (reply.status_code, reply.content) == (302, b"")
    assert "X-Amz-Signature" in reply.headers["location"]
