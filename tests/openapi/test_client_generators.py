"""Three generators make clients from the OpenAPI documents, and the clients call the API."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from local.packaging import ROOT
from rushes.api.openapi import FOLDER
from tests.e2e.node_programs import node_modules
from tests.openapi.server import LocalApi, served_api

PYTHON = ROOT / ".local/envs/generators/bin"
NODE_PACKAGES = ROOT / "tools/generators-node"
CONFIG = ROOT / "tools/generators/config.yml"
PROGRAMS = Path(__file__).parent / "programs"
MAX_SECONDS = 300
TYPESCRIPT = (
    *("--strict", "--skipLibCheck", "--module", "commonjs", "--moduleResolution", "node10"),
    *("--esModuleInterop", "--target", "es2022", "--lib", "es2022,dom,dom.iterable"),
)


@pytest.fixture(scope="module")
def api() -> Iterator[LocalApi]:
    with served_api() as api:
        yield api


@pytest.fixture(scope="module")
def modules() -> Path:
    return node_modules(NODE_PACKAGES)


def run(command: list[str | Path], folder: Path, variables: Mapping[str, str]) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env={"PATH": os.environ["PATH"], **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=MAX_SECONDS,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def called(command: list[str | Path], folder: Path, api: LocalApi) -> Any:
    """Run a program that prints the results of its calls as JSON."""
    variables = {"RUSHES_URL": api.url, "RUSHES_API_KEY": api.key, "RUSHES_JOB": api.finished_job}
    return json.loads(run(command, folder, variables))


def generate_python(document: str, folder: Path) -> None:
    output = f"{document}_client"
    command: list[str | Path] = [
        PYTHON / "openapi-python-client",
        "generate",
        "--path",
        FOLDER / f"{document}.json",
    ]
    options = ["--meta", "none", "--fail-on-warning", "--output-path", output]
    run([*command, *options, "--config", CONFIG], folder, {})


def test_python_client(api: LocalApi, tmp_path: Path):
    generate_python("native", tmp_path)
    generate_python("openai", tmp_path)
    program = (PROGRAMS / "python_client.py").read_text("utf-8")
    (tmp_path / "program.py").write_text(program, "utf-8")
    results = called([PYTHON / "python", "program.py"], tmp_path, api)
    assert results == {"account": "alice", "job": api.finished_job, "status": "completed"}


@pytest.mark.parametrize("generator", ["openapi_typescript", "hey_api"])
def test_typescript_client(api: LocalApi, modules: Path, tmp_path: Path, generator: str):
    (tmp_path / "node_modules").symlink_to(modules)
    programs = modules / ".bin"
    for document in ("native", "openai"):
        source = FOLDER / f"{document}.json"
        command: list[str | Path]
        if generator == "openapi_typescript":
            command = [programs / "openapi-typescript", source, "-o", f"{document}.d.ts"]
        else:
            client = ["-c", "@hey-api/client-fetch", "--no-log-file"]
            command = [programs / "openapi-ts", "-i", source, "-o", document, *client]
        run(command, tmp_path, {"HOME": str(tmp_path)})
    program = (PROGRAMS / f"{generator}.ts").read_text("utf-8")
    (tmp_path / "program.ts").write_text(program, "utf-8")
    run([programs / "tsc", *TYPESCRIPT, "program.ts"], tmp_path, {})
    results = called(["node", "program.js"], tmp_path, api)
    assert results == {"account": "alice", "job": api.finished_job, "status": "completed"}
