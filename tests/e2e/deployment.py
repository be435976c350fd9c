"""A local stack with a configuration of its own, and the `rushes` command for it."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from cli.target import local_target
from local.packaging import ROOT
from local.stack import Stack
from local.up import write_environment
from rushes.jobs.job import Job
from tests.e2e.small_jobs import create
from tests.stack import WAIT_SCALE

MAX_SECONDS = 60.0
"""From the end of a push until new jobs are under the new configuration."""
PAUSE_SECONDS = 3.0
"""Between two jobs that look for it."""


def small_model(name: str, price: str = "0.10") -> str:
    """Return the TOML table of a model that the sandbox renders in a moment."""
    return f"""
[[models]]
name = "{name}"
upstream_model = "sandbox-1"
seconds = [1]
sizes = ["128x72"]
price_per_second = {price}
price_source = "invented"
"""


@dataclass
class Deployment:
    stack: Stack
    http: httpx.Client
    folder: Path
    env_file: Path = field(init=False)

    def __post_init__(self) -> None:
        self.env_file = self.folder / "stack.env"
        write_environment(self.env_file, self.stack.environment())
        self.jobs = local_target(self.env_file).jobs

    def rushes(self, *arguments: str, given: str | None = None, code: int = 0) -> Any:
        """Run the command with --json, and return its output."""
        command = [sys.executable, "-m", "cli", *arguments]
        done = subprocess.run(
            [*command, "--env-file", str(self.env_file), "--json"],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder)},
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stderr
        self.warnings = done.stderr
        return json.loads(done.stdout)

    def push(self, text: str) -> int:
        file = self.folder / "changed.toml"
        file.write_text(text)
        pushed = self.rushes("config", "push", str(file))
        number: int = pushed["number"]
        assert pushed["is_new"]
        return number

    def create(self, prompt: str = "small", model: str = "quick") -> Job:
        answer = create(self.http, prompt, model=model).raise_for_status()
        return self.job(answer.json()["id"])

    def job(self, job_id: str) -> Job:
        job = self.jobs.get("demo", job_id)
        assert job is not None
        return job

    def job_under(self, number: int) -> Job:
        """Create jobs until one is accepted under that version; return it."""
        return self.until(lambda job: job.config_version == number)

    def until(self, is_expected: Callable[[Job], bool]) -> Job:
        """Create jobs until one is as expected, within a minute of this call."""
        begun = time.monotonic()
        while True:
            asked_at = time.monotonic()
            job = self.create()
            if is_expected(job):
                return job
            assert asked_at - begun < MAX_SECONDS, f"still {job.config_version}"
            time.sleep(PAUSE_SECONDS)


@contextmanager
def deployed(folder: Path, text: str) -> Iterator[Deployment]:
    """Run a stack whose configuration is `text`."""
    config = folder / "rushes.toml"
    config.write_text(text)
    with Stack(folder / "state", wait_scale=WAIT_SCALE, config=config) as stack:
        key = {"authorization": f"Bearer {stack.environment()['RUSHES_API_KEY']}"}
        with httpx.Client(base_url=stack.url, headers=key, timeout=120) as http:
            yield Deployment(stack, http, folder)
