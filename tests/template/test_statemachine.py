"""The state machine's definition, as a graph and as a text."""

import json
import re
import subprocess
import sys
from functools import cache
from typing import Any

import pytest

from local.packaging import ROOT, read_template

FILE = ROOT / "statemachine/media_job.asl.json"


@cache
def machine() -> dict[str, Any]:
    definition: dict[str, Any] = json.loads(FILE.read_text())
    return definition


def states(kind: str | None = None) -> dict[str, dict[str, Any]]:
    return {n: s for n, s in machine()["States"].items() if kind in (None, s["Type"])}


def test_the_linter_finds_nothing():
    """It does not know yet that `Seconds` may be a JSONata string; everything else counts."""
    text = re.sub(r'"Seconds": "\{%[^"]*%\}"', '"Seconds": 1', FILE.read_text())
    command = [sys.executable, "-m", "statelint", text]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_every_substitution_is_used_and_every_placeholder_filled():
    resource = read_template(ROOT / "template.yaml")["Resources"]["MediaJob"]
    given = set(resource["Properties"]["DefinitionSubstitutions"])
    assert set(re.findall(r"\$\{(\w+)\}", FILE.read_text())) == given


@pytest.mark.parametrize("name", states("Task"))
def test_every_task_is_limited_in_time_and_tried_again(name):
    state = states()[name]
    assert state["TimeoutSeconds"] > 0
    assert state["Retry"]
    assert all(retrier["JitterStrategy"] == "FULL" for retrier in state["Retry"])


def test_the_machine_is_limited_in_time():
    assert machine()["TimeoutSeconds"] > 0


def test_every_step_that_fails_leads_to_the_one_way_out():
    catching = {n: s for n, s in states("Task").items() if n != "Finish"}
    for state in catching.values():
        assert [(c["ErrorEquals"], c["Next"]) for c in state["Catch"]] == [
            (["States.ALL"], "Finish")
        ]


def test_only_finish_ends_an_execution():
    ends = {n for n, s in states().items() if s.get("End") or s["Type"] in ("Succeed", "Fail")}
    assert ends == {"Finish"}


def test_the_machine_speaks_to_functions_only():
    """What is told of a job is in its row, and put on the bus from there."""
    assert {s["Resource"] for s in states("Task").values()} == {"arn:aws:states:::lambda:invoke"}


def test_no_error_class_of_ours_is_named():
    text = FILE.read_text()
    for errors in re.findall(r'"ErrorEquals": \[([^]]*)\]', text):
        assert all(
            name.startswith(("Lambda.", "States.")) for name in re.findall(r'"([^"]+)"', errors)
        )
