import pytest

from cli.config_diff import Difference, differences
from rushes.catalog.models import read_catalog

TEXT = """
default_model = "short"
[providers.one]
protocol = "openai_compatible"
[aliases]
short = "one/a"
[[models]]
name = "one/a"
price_per_job = 0.1
[[models]]
name = "one/b"
"""


def test_no_difference():
    assert list(differences(read_catalog(TEXT), read_catalog(TEXT))) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("0.1", "0.2", Difference("changed", "model", "one/a", ("price_per_job: 0.1 -> 0.2",))),
        ('[[models]]\nname = "one/b"\n', "", Difference("removed", "model", "one/b")),
        (
            'short = "one/a"',
            'short = ["one/b", "one/a"]',
            Difference("changed", "alias", "short", ('models: ["one/a"] -> ["one/b", "one/a"]',)),
        ),
        ("[aliases]", '[aliases]\nlong = "one/b"', Difference("added", "alias", "long")),
        (
            '"openai_compatible"',
            '"fal"',
            Difference("changed", "provider", "one", ('protocol: "openai_compatible" -> "fal"',)),
        ),
        (
            '= "short"',
            '= "one/b"',
            Difference("changed", "default_model", "default_model", ("short -> one/b",)),
        ),
    ],
)
def test_difference(old: str, new: str, expected: Difference):
    assert old in TEXT
    assert list(differences(read_catalog(TEXT), read_catalog(TEXT.replace(old, new)))) == [expected]


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (
            "[limits]\nopen_jobs = 5",
            Difference("changed", "limits", "of all accounts", ("open_jobs: null -> 5",)),
        ),
        ("[limits.accounts.a]\nweight = 5", Difference("added", "limits", "of account a")),
        (
            "[limits.keys.0123456789abcdef]\nopen_jobs = 5",
            Difference("added", "limits", "of key 0123456789abcdef"),
        ),
    ],
)
def test_difference_of_limits(limits: str, expected: Difference):
    assert list(differences(read_catalog(TEXT), read_catalog(TEXT + limits))) == [expected]
