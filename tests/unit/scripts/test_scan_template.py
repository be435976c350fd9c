"""Findings of the template's rule sets, and the reasons of those that are accepted."""

import tomllib
from typing import Any

import pytest

from local.packaging import ROOT, read_template
from scripts import scan_template
from scripts.template_rules.findings import Accepted, Finding, matches, problems, read_accepted
from scripts.template_rules.resolved import Resolver

MAX_ACCEPTED = 25
MIN_REASON = 30
"""Characters: a reason is a sentence."""

TEMPLATE: dict[str, Any] = {
    "Parameters": {
        "Days": {"Type": "Number", "Default": 3},
        "Mode": {"Type": "String", "Default": "plain"},
    },
    "Conditions": {
        "IsPlain": {"Fn::Equals": [{"Ref": "Mode"}, "plain"]},
        "HasDays": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Days"}, 0]}]},
        "Both": {"Fn::And": [{"Condition": "IsPlain"}, {"Condition": "HasDays"}]},
        "Either": {"Fn::Or": [{"Condition": "IsPlain"}, {"Condition": "HasDays"}]},
    },
    "Resources": {
        "Always": {
            "Type": "Any",
            "Properties": {
                "Days": {"Ref": "Days"},
                "Part": {"Fn::If": ["Both", {"Ref": "Days"}, {"Ref": "AWS::NoValue"}]},
                "List": [{"Fn::If": ["IsPlain", {"Ref": "AWS::NoValue"}, "more"]}, "one"],
                "Other": {"Ref": "Sometimes"},
                "Text": {"Fn::Sub": "${Days} days of ${Often}"},
            },
        },
        "Sometimes": {"Type": "Any", "Condition": "IsPlain"},
        "Often": {"Type": "Any", "Condition": "Either"},
    },
}


def accepted(*rules: str, resources: tuple[str, ...] = ("*",)) -> Accepted:
    return Accepted("because it is so", rules, resources)


def test_every_accepted_finding_has_a_reason_and_they_are_few():
    entries = read_accepted(scan_template.ACCEPTED)
    assert 0 < len(entries) <= MAX_ACCEPTED
    for entry in entries:
        assert len(entry.reason) >= MIN_REASON, entry
        assert entry.rules, entry
        assert entry.resources, entry
        assert "*" not in entry.rules, entry
    assert len({entry.reason for entry in entries}) == len(entries)


def test_accepted_file_has_no_other_members():
    data = tomllib.loads(scan_template.ACCEPTED.read_text())
    assert data.keys() == {"accepted"}
    for entry in data["accepted"]:
        assert entry.keys() == {"reason", "rules", "resources"}


def test_accepted_resources_are_in_the_template():
    names = scan_template.translated({})["Resources"].keys()
    for entry in read_accepted(scan_template.ACCEPTED):
        for resource in entry.resources:
            assert any(matches(resource, name) for name in names), resource


def test_variants_set_existing_parameters():
    parameters = read_template(ROOT / "template.yaml")["Parameters"]
    for variant in scan_template.VARIANTS.values():
        assert variant.keys() <= parameters.keys()
        for name, value in variant.items():
            assert value in map(str, parameters[name].get("AllowedValues", [value]))


FINDING = Finding("CKV_1", "Queue")


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([], ["Queue: CKV_1"]),
        ([accepted("CKV_1")], []),
        ([accepted("CKV_1", resources=("Qu*",))], []),
        ([accepted("CKV_*")], []),
        (
            [accepted("CKV_1", resources=("Queue", "Topic"))],
            ["accepted.toml: no finding for 'Topic' (because it is so)"],
        ),
        (
            [accepted("CKV_1", "CKV_2")],
            ["accepted.toml: no finding for 'CKV_2' (because it is so)"],
        ),
        (
            [accepted("CKV_11", resources=("Queue",))],
            [
                "Queue: CKV_1",
                "accepted.toml: no finding for 'CKV_11' (because it is so)",
                "accepted.toml: no finding for 'Queue' (because it is so)",
            ],
        ),
    ],
)
def test_findings_without_reason_and_reasons_without_finding_are_problems(entries, expected):
    assert list(problems([FINDING, FINDING], entries)) == expected


def test_brackets_of_a_rule_are_no_pattern():
    rule = "AwsSolutions-IAM5[Resource::<Bucket.Arn>/inputs/*]"
    assert matches("AwsSolutions-IAM5[Resource::<Bucket.Arn>*", rule)
    assert not matches("AwsSolutions-IAM5[Resource::*]", "AwsSolutions-IAM5R")


def test_template_is_resolved_with_defaults():
    resources = Resolver(TEMPLATE, {}).template()["Resources"]
    assert resources.keys() == {"Always", "Sometimes", "Often"}
    properties = {"Days": 3, "Part": 3, "List": ["one"], "Other": {"Ref": "Sometimes"}}
    text = {"Fn::Sub": "3 days of ${Often}"}
    assert resources["Always"]["Properties"] == {**properties, "Text": text}
    assert "Condition" not in resources["Sometimes"]


def test_template_is_resolved_with_parameters():
    resources = Resolver(TEMPLATE, {"Mode": "other", "Days": "0"}).template()["Resources"]
    assert resources.keys() == {"Always"}
    properties = {"Days": 0, "List": ["more", "one"], "Other": {"Ref": "Sometimes"}}
    text = {"Fn::Sub": "0 days of ${Often}"}
    assert resources["Always"]["Properties"] == {**properties, "Text": text}
