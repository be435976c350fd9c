"""Definition of the state machine (ASL)."""

import json
import re
import subprocess
import sys
from functools import cache
from typing import Any

import pytest

from local.packaging import ROOT, read_template
from rushes.http.client import CALL_SECONDS

FILE = ROOT / "statemachine/media_job.asl.json"


@cache
def machine() -> dict[str, Any]:
    definition: dict[str, Any] = json.loads(FILE.read_text())
    return definition


def function_timeout(name: str) -> int:
    template = read_template(ROOT / "template.yaml")
    timeout: int = template["Resources"][name]["Properties"]["Timeout"]
    return timeout


def states(state_type: str | None = None) -> dict[str, dict[str, Any]]:
    return {n: s for n, s in machine()["States"].items() if state_type in (None, s["Type"])}


def test_statelint_finds_no_problem():
    """Statelint does not support a JSONata string as `Seconds`; the test replaces it."""
    text = re.sub(r'"Seconds": "\{%[^"]*%\}"', '"Seconds": 1', FILE.read_text())
    command = [sys.executable, "-m", "statelint", text]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_substitutions_and_placeholders_agree():
    resource = read_template(ROOT / "template.yaml")["Resources"]["MediaJob"]
    substitutions = set(resource["Properties"]["DefinitionSubstitutions"])
    assert set(re.findall(r"\$\{(\w+)\}", FILE.read_text())) == substitutions


@pytest.mark.parametrize("name", states("Task"))
def test_every_task_has_a_timeout_and_retries_with_jitter(name):
    state = states()[name]
    assert state["TimeoutSeconds"] > 0
    assert state["Retry"]
    assert all(retrier["JitterStrategy"] == "FULL" for retrier in state["Retry"])


@pytest.mark.parametrize("name", states("Task"))
def test_task_lasts_longer_than_its_function(name):
    resource = states()[name]["Arguments"]["FunctionName"].removeprefix("${").removesuffix("Arn}")
    assert states()[name]["TimeoutSeconds"] > function_timeout(resource)


@pytest.mark.parametrize("function", ["SubmitFunction", "PollFunction"])
def test_function_has_time_for_three_provider_calls(function):
    """Submit: upload URL, upload, create. Poll: state, result, cancel."""
    assert function_timeout(function) > 3 * CALL_SECONDS


def test_state_machine_has_a_timeout():
    assert machine()["TimeoutSeconds"] > 0


def test_every_task_error_leads_to_finish():
    tasks = {n: s for n, s in states("Task").items() if n != "Finish"}
    for state in tasks.values():
        assert [(c["ErrorEquals"], c["Next"]) for c in state["Catch"]] == [
            (["States.ALL"], "Finish")
        ]


def test_only_finish_ends_an_execution():
    ends = {n for n, s in states().items() if s.get("End") or s["Type"] in ("Succeed", "Fail")}
    assert ends == {"Finish"}


def test_tasks_invoke_lambda_functions_only():
    """Functions publish the events, from the job item (transactional outbox)."""
    resources = {s["Resource"] for s in states("Task").values()}
    assert resources == {"arn:${Partition}:states:::lambda:invoke"}


def test_retries_name_no_python_exception():
    text = FILE.read_text()
    for errors in re.findall(r'"ErrorEquals": \[([^]]*)\]', text):
        assert all(
            name.startswith(("Lambda.", "States.")) for name in re.findall(r'"([^"]+)"', errors)
        )
