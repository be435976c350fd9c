from typing import Any

import pytest

from rushes.catalog.template import Placeholder, fill, placeholders

VALUES = {"seconds": 5, "prompt": "a fox", "audio": False, "seed": 0}


def filled(template: Any) -> Any:
    return fill(template, lambda placeholder: VALUES.get(placeholder.name))


@pytest.mark.parametrize(
    ("template", "result"),
    [
        ("{seconds}", 5),
        ("{seconds} s of {prompt}", "5 s of a fox"),
        ("audio={audio}", "audio=false"),
        ("plain", "plain"),
        ("", ""),
        (7, 7),
        ({"a": "{seconds}", "b": "{none}"}, {"a": 5}),
        ({"a": "{seed}", "b": "{audio}"}, {"a": 0, "b": False}),
        ({"a": "{prompt} {none}"}, None),
        ({"a": {"b": "{none}"}, "c": 1}, {"c": 1}),
        ({"a": {}, "b": []}, {"a": {}, "b": []}),
        ({"a": ["{none}"], "c": 1}, {"c": 1}),
        ([{"type": "text", "text": "{prompt}"}], [{"type": "text", "text": "a fox"}]),
        (["x", {"type": "image", "url": {"of": "{none}"}}], ["x"]),
        ([{"prompt": "{prompt}", "image": "{none}"}], [{"prompt": "a fox"}]),
        ({"a": {"fixed": 1, "b": "{none}"}}, {"a": {"fixed": 1}}),
        (None, None),
    ],
)
def test_fill_removes_members_without_a_value(template: Any, result: Any):
    assert filled(template) == result


def test_placeholders_are_found_at_any_depth():
    found = list(placeholders({"a": ["{x}", {"b": "{y!text} and {z}"}], "c": 1}))
    assert found == [
        Placeholder("x", "", is_whole_string=True),
        Placeholder("y", "text", is_whole_string=False),
        Placeholder("z", "", is_whole_string=False),
    ]


def test_value_with_braces_is_not_expanded():
    assert fill("say {prompt}", lambda _: "{seconds}") == "say {seconds}"
