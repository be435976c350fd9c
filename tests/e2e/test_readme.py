"""Run every command and snippet of README.md."""

import re
import subprocess

import pytest

from local.packaging import ROOT
from local.stack import Stack
from local.up import write_environment
from local.video_probe import probe_video
from tests.e2e.programs import run

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, flags=re.DOTALL)
COMMANDS = [line for kind, block in BLOCKS if kind == "bash" for line in block.splitlines()]
PYTHON = [block for kind, block in BLOCKS if kind == "python"]

FIRST_JOB = "(set -a; . .local/stack.env; .local/envs/local/bin/python -W ignore first_job.py)"
HAS_PYTHON = subprocess.run([ROOT / "scripts/lambda_python.sh"], capture_output=True, check=False)
BYTECODE = " BYTECODE=no" if HAS_PYTHON.returncode else ""
"""Option of `make build` on a machine without Python 3.13."""
RUN_HERE = {
    "make demo": "test_make_demo_renders_video_and_verifies_webhook",
    "make test": "the target that runs these tests",
    "make up": "tests/e2e/test_up.py",
    FIRST_JOB: "test_first_job_script_downloads_video",
    "make build": "test_build_and_deploy_commands",
    ".local/envs/sam/bin/sam deploy": "test_build_and_deploy_commands",
    "make key ACCOUNT=my-team": "test_build_and_deploy_commands",
    "./rushes config push --stack rushes": "test_build_and_deploy_commands",
    "./rushes provider set-key fal --stack rushes": "test_build_and_deploy_commands",
}


def test_every_readme_command_has_a_test():
    assert list(RUN_HERE) == COMMANDS


def test_make_demo_renders_video_and_verifies_webhook():
    output = run("make demo")
    assert "decoded h264, 1280x720, 96 frames, 4 s" in output
    assert '"detail-type": "job.completed"' in output
    assert "signature verified by standardwebhooks and by the OpenAI SDK" in output
    assert probe_video(ROOT / ".local/demo.mp4").size == (1280, 720)


def test_first_job_script_downloads_video(stack: Stack, tmp_path):
    (tmp_path / ".local").mkdir()
    write_environment(tmp_path / ".local/stack.env", stack.environment())
    (tmp_path / ".local/envs").symlink_to(ROOT / ".local/envs")
    (tmp_path / "first_job.py").write_text(PYTHON[0])
    output = run(FIRST_JOB, tmp_path)
    assert output.startswith("completed job_")
    assert probe_video(tmp_path / "fox.mp4").seconds == 4


def test_build_and_deploy_commands(stack: Stack):
    """Deploy to the local engine with the SAM CLI, to a stack beside the one of the tests."""
    here = {name: value for name, value in stack.environment().items() if name.startswith("AWS_")}
    run(f"make build{BYTECODE}")
    options = "--stack-name readme --parameter-overrides LogDays=7"
    run(f".local/envs/sam/bin/sam deploy {options}", ROOT, here)
    key = run("make --no-print-directory key ACCOUNT=my-team STACK_NAME=readme", ROOT, here)
    assert re.fullmatch(r"rk_[0-9a-f]{16}_\S{43}", key.strip())
    assert "published version 1;" in run("./rushes config push --stack readme", ROOT, here)
    s3 = stack.session().client("s3", endpoint_url=here["AWS_ENDPOINT_URL"])
    s3.create_bucket(Bucket="packages")
    packaged = run("make --no-print-directory package ARTIFACTS=packages VERSION=v1", ROOT, here)
    assert packaged.rstrip().endswith("packages.s3.us-east-1.amazonaws.com/rushes/v1/template.yaml")
    set_key = "echo a-key-of-fal | ./rushes provider set-key fal - --stack readme"
    assert "created the secret readme/providers/fal" in run(set_key, ROOT, here)


@pytest.mark.parametrize("link", re.findall(r"\]\((?!https?:)([^)#]+)\)", README))
def test_every_readme_link_has_a_target(link):
    assert (ROOT / link).exists()
