"""Placeholders: what stands for them, and what goes with those that have nothing."""

from typing import Any

import pytest

from rushes.catalog.template import Placeholder, fill, placeholders

VALUES = {"seconds": 5, "prompt": "a fox", "sound": False, "seed": 0}


def filled(template: Any) -> Any:
    return fill(template, lambda placeholder: VALUES.get(placeholder.name))


@pytest.mark.parametrize(
    ("template", "result"),
    [
        ("{seconds}", 5),
        ("{seconds} s of {prompt}", "5 s of a fox"),
        ("sound={sound}", "sound=false"),
        ("plain", "plain"),
        ("", ""),
        (7, 7),
        ({"a": "{seconds}", "b": "{none}"}, {"a": 5}),
        ({"a": "{seed}", "b": "{sound}"}, {"a": 0, "b": False}),
        ({"a": "{prompt} {none}"}, None),
        ({"a": {"b": "{none}"}, "c": 1}, {"c": 1}),
        ({"a": {}, "b": []}, {"a": {}, "b": []}),
        ({"a": ["{none}"], "c": 1}, {"c": 1}),
        ([{"type": "text", "text": "{prompt}"}], [{"type": "text", "text": "a fox"}]),
        (["x", {"type": "picture", "url": {"of": "{none}"}}], ["x"]),
        ([{"prompt": "{prompt}", "image": "{none}"}], [{"prompt": "a fox"}]),
        ({"a": {"fixed": 1, "b": "{none}"}}, {"a": {"fixed": 1}}),
        (None, None),
    ],
)
def test_a_template_is_filled_and_what_is_absent_takes_its_member_along(template: Any, result: Any):
    assert filled(template) == result


def test_all_placeholders_are_found_at_any_depth():
    found = list(placeholders({"a": ["{x}", {"b": "{y!text} and {z}"}], "c": 1}))
    assert found == [
        Placeholder("x", "", is_alone=True),
        Placeholder("y", "text", is_alone=False),
        Placeholder("z", "", is_alone=False),
    ]


def test_a_value_with_braces_is_not_read_again():
    assert fill("say {prompt}", lambda _: "{seconds}") == "say {seconds}"
