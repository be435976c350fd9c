"""Runbook: one entry per alarm, with events, queries, commands and parameters that exist."""

import re

import pytest

from local.packaging import ROOT, read_template
from tests.unit.test_log_events import EVENTS

TEXT = (ROOT / "docs/runbook.md").read_text("utf-8")
OPERATIONS = (ROOT / "docs/operations.md").read_text("utf-8")
TEMPLATE = read_template(ROOT / "template.yaml")
ALARMS = sorted(
    name
    for name, resource in TEMPLATE["Resources"].items()
    if resource["Type"] == "AWS::CloudWatch::Alarm"
)
ENTRIES = dict(re.findall(r"^### `(\w+)`\n(.*?)(?=^##|\Z)", TEXT, re.MULTILINE | re.DOTALL))
MARKS = ("- **First look**:", "- **Action**:", "- **Confirm**:")


def test_every_alarm_has_one_entry_and_every_entry_an_alarm():
    assert sorted(re.findall(r"^### `(\w+)`$", TEXT, re.MULTILINE)) == ALARMS


@pytest.mark.parametrize("name", ALARMS)
def test_entry_says_what_it_means_and_what_to_do(name: str):
    entry = ENTRIES[name]
    meaning = entry.strip().partition("\n\n")[0]
    assert len(meaning) > 30
    assert not meaning.startswith("-")
    assert [mark for mark in MARKS if entry.count(mark) != 1] == []
    assert entry.count("- **Causes**:") == 1 or "causes and actions are those of" in entry


def test_named_alarms_events_queries_and_commands_exist():
    assert set(re.findall(r"\b(\w+Alarm)\b", TEXT)) <= set(ALARMS)
    events = set(re.findall(r"log event `(\w+)`", TEXT))
    assert len(events) > 10
    assert events <= EVENTS
    titles = {
        resource["Properties"]["Name"]["Fn::Sub"].partition("/")[2]
        for resource in TEMPLATE["Resources"].values()
        if resource["Type"] == "AWS::Logs::QueryDefinition"
    }
    queries = set(re.findall(r"quer(?:y|ies)[^*.]*\*([a-z ]+)\*", TEXT))
    assert queries
    assert queries <= titles
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"make (\w+)", TEXT))
    rules = re.findall(r"^([\w ]+):", makefile, re.MULTILINE)
    assert targets <= {target for rule in rules for target in rule.split()}


def test_named_charts_are_on_the_dashboard():
    body, _ = TEMPLATE["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    titles = re.findall(r'"title": "([^"]+)"', body)
    charts = set(re.findall(r"[Dd]ashboard \*([^*]+)\*", TEXT))
    assert len(charts) > 5
    for chart in charts:
        assert any(title.startswith(chart) for title in titles), chart


def test_operations_points_to_the_runbook_and_repeats_no_entry():
    section = OPERATIONS.partition("\n## Alarms\n")[2].partition("\n## ")[0]
    assert "(runbook.md)" in section
    assert re.findall(r"^\|.*Alarm", section, re.MULTILINE) == []
    assert {"AlarmTopic", "AlarmEmail"} <= TEMPLATE["Parameters"].keys()
