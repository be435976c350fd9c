"""Errors of `rushes.toml`, with the line of each."""

import re
from pathlib import Path

import pytest

from cli.config_errors import problems
from rushes.catalog import vendor_data
from rushes.catalog.models import BUILT_IN_FILE

VALID = """\
default_model = "short"

[providers.sandbox]
protocol = "openai_compatible"

[providers.tasks]
protocol = "declarative"
[providers.tasks.spec]
create.path = "/tasks"
create.body = {prompt = "{prompt}", image = "{image}"}
id = "/id"
poll.path = "/tasks/{id}"
status = "/status"
statuses = {done = "succeeded"}
outputs = ["/url"]

[aliases]
short = "sandbox/one"

[[models]]
name = "sandbox/one"
seconds = [4]

# the second
[[models]]
name = "tasks/two"
inputs = ["image"]
price_per_job = 0.1
price_source = "a list"
"""


def errors_in(text: str) -> list[str]:
    return [str(problem) for problem in problems(text)]


def errors(old: str, new: str) -> list[str]:
    assert old in VALID
    return errors_in(VALID.replace(old, new))


def test_valid_catalog_has_no_errors():
    assert (errors_in(VALID)) == []
    assert (errors_in(BUILT_IN_FILE.read_text("utf-8"))) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"short"\n\n', '"long"\n\n', "1: default_model 'long' is not defined"),
        ('"openai_compatible"', '"other"', "4: providers.sandbox.protocol: must be one of bed"),
        ("[aliases]", "x = 1\n[aliases]", "17: providers.tasks.spec.x: Extra inputs"),
        (
            '"openai_compatible"',
            '"declarative"',
            '3: providers.sandbox: protocol "declarative" requires a table',
        ),
        ("price_per", "prise_per", "28: model 'tasks/two'.prise_per_job: Extra inputs"),
        ('protocol = "declarative"', 'protocol = "runway"', "6: providers.tasks: `spec` requires"),
        ('id = "/id"', 'id = "id"', "11: providers.tasks.spec.id: String should match"),
        ('id = "/id"\n', "", "8: providers.tasks.spec.id: Field required"),
        ("/tasks/{id}", "/tasks", "12: providers.tasks.spec.poll: path or body must contain"),
        ("/tasks/{id}", "/{task}/{id}", "12: providers.tasks.spec.poll: path has an unknown"),
        ('"{prompt}"', '"{promt}"', "9: providers.tasks.spec.create: body has an unknown"),
        ('"{image}"', '"{image!png}"', "9: providers.tasks.spec.create: body has {image!png}"),
        ('"{image}"', '"at {image}"', "9: providers.tasks.spec.create: body has {image} within"),
        ('"succeeded"', '"good"', "14: providers.tasks.spec.statuses.done: Input should be"),
        ('"succeeded"', '"failed"', "8: providers.tasks.spec: statuses must map one to succeeded"),
        ('["/url"]', "[]", "15: providers.tasks.spec.outputs: Tuple should have"),
        (
            '"sandbox/one"\n\n',
            '"sandbox/on"\n\n',
            "18: alias 'short' refers to the undefined model 'sandbox/on'",
        ),
        ("seconds = [4]", 'seconds = ["a"]', "22: model 'sandbox/one'.seconds.0: Input should be"),
        ('["image"]', '["sofa"]', "27: model 'tasks/two'.inputs.0: Input should be"),
        ('["image"]', '["image", "audio"]', "26: model 'tasks/two' accepts audio, but the"),
        ('["image"]', "[]\nseconds = [1, 2]", "26: model 'tasks/two' accepts seconds, but the"),
        ("0.1", "-1", "28: model 'tasks/two'.price_per_job: Input should be greater"),
        ("0.1", "inf", "28: model 'tasks/two'.price_per_job: Input should be"),
        ("0.1", "nan", "28: model 'tasks/two'.price_per_job: Input should be"),
        ("0.1", "1e300", "28: model 'tasks/two'.price_per_job: Input should be less"),
        ("_per_job", "_per_second", "25: model 'tasks/two': price_per_second requires seconds"),
        ('name = "tasks/two"\n', "", "25: models.1.name: Field required"),
        ('"tasks/two"', '"absent/two"', "26: model 'absent/two' has an undefined provider"),
        ("seconds = [4]", "seconds = 4]", "22: not TOML: "),
    ],
)
def test_error_is_reported_with_its_line(old: str, new: str, message: str):
    (error,) = errors(old, new)
    assert error.startswith(message)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", "url is not a valid URL"),
        ("api.example/v1", "url is not a valid URL"),
        ("ftp://api.example", "must use https (got ftp)"),
        ("https://name:password@api.example", "url must not have a user name"),
        ("https://api.example/v1?key=1", "must be a URL without a query"),
        ("https://api.example/{region}", "must be a URL without a query"),
    ],
)
def test_base_url_is_checked(url: str, message: str):
    given = f'"openai_compatible"\nbase_url = "{url}"'
    (error,) = errors('"openai_compatible"', given)
    assert error.startswith(f"5: providers.sandbox.base_url: {message}")


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/v1", "https://api.example/{project}"])
def test_base_url_of_a_local_stack_or_with_a_project(url: str):
    assert errors('"openai_compatible"', f'"openai_compatible"\nbase_url = "{url}"') == []


@pytest.mark.parametrize("name", ["../own", "Own", "o n", "a" * 65])
def test_name_of_a_provider_is_part_of_the_name_of_its_secret(name: str):
    text = VALID + f'[providers."{name}"]\nprotocol = "fal"\n'
    (error,) = errors_in(text)
    line = len(VALID.splitlines()) + 1
    assert error.startswith(f"{line}: provider {name!r}: a name is up to 64 lower-case letters")


@pytest.mark.parametrize("name", ["a b", r"a\nb", "", "a" * 201])
def test_name_of_an_alias_has_no_spaces_and_is_bounded(name: str):
    (error,) = errors("short = ", f'"{name}" = "sandbox/one"\nshort = ')
    assert "aliases: a name is up to 200 characters without spaces" in error


@pytest.mark.parametrize("name", ['"one"', "5", "[]"])
def test_model_without_a_provider(name: str):
    (error,) = errors_in(f"{VALID}[[models]]\nname = {name}\n")
    assert error.endswith("name must be PROVIDER/ID")


@pytest.mark.parametrize(
    "text", ["", "providers = 5", "providers.a = 5", "providers.a.protocol = 5"]
)
def test_unrelated_toml_is_an_error(text: str):
    assert all(re.match(r"1: .+", error) for error in errors_in(text))
    assert errors_in(text)


def test_each_error_is_reported():
    assert len(errors_in(VALID.replace("[4]", '["a"]').replace("0.1", "-1"))) == 2


def test_price_requires_a_source():
    priced = VALID.replace(
        'name = "sandbox/one"\n', 'name = "sandbox/one"\nprice_per_second = 0.1\n'
    )
    line = priced.splitlines().index("price_per_second = 0.1") + 1
    assert (errors_in(priced)) == [
        f"{line}: model 'sandbox/one': price_per_second without a price_source"
    ]


def test_line_of_a_repeated_model_is_its_second_definition():
    text = VALID.replace('default_model = "short"', 'default_model = "sandbox/one"')
    (error,) = errors_in(text + '[[models]]\nname = "sandbox/one"\nseconds = [4]\n')
    line = len(text.splitlines()) + 1
    assert error == f"{line}: model 'sandbox/one' is defined twice"


ACME = """
[vendor]
name = "acme"
title = "Acme"
protocol = "fal"
base_url = "https://acme.example"
sources = ["https://acme.example/docs (read 2026-11-28)"]
[[models]]
id = "video/fast"
seconds = [4, 8]
price_per_second = 0.1
price_source = "https://acme.example/prices"
price_date = "2026-11-28"
[[models]]
id = "video/slow"
price_unknown = "not published"
"""
CONFIG = """\
default_model = "quick"

[providers.acme]
models = ["video/fast"]

[aliases]
quick = "acme/video/fast"
"""


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The only vendor."""
    (tmp_path / "acme.toml").write_text(ACME)
    monkeypatch.setattr(vendor_data, "VENDORS", tmp_path)
    vendor_data.read_vendor.cache_clear()


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("models =", "modls =", "4: providers.acme.modls: Extra inputs are not permitted"),
        ("default_model", "default", "1: default"),
        (
            "[aliases]",
            "[providers.acme]\n[aliases]",
            "6: providers.acme is defined twice",
        ),
        (
            'acme/video/fast"\n',
            'acme/video/slow"\n',
            "7: alias 'quick' refers to the undefined model 'acme/video/slow'; it is not enabled: ",
        ),
        (
            'acme/video/fast"\n',
            'acme/video/none"\n',
            "7: alias 'quick' refers to the undefined model 'acme/video/none'",
        ),
        (
            '"acme/video/fast"',
            '"again"\nagain = "quick"',
            "7: alias 'quick' refers to itself: quick -> again -> quick",
        ),
        ('["video/fast"]', '["vidio/*"]', "4: provider 'acme': vendor 'acme' has no model"),
        ('["video/fast"]', '["video/fast"]\nvendor = "acne"', "5: provider 'acme': vendor must be"),
        ("[providers.acme]", "[providers.other]", "3: provider 'other' enables models but has no"),
    ],
)
def test_error_of_a_configuration_with_vendors(old: str, new: str, message: str):
    assert CONFIG.count(old) == 1
    (error, *others) = errors_in(CONFIG.replace(old, new))
    assert error.startswith(message)
    assert len(others) == (new == "default")


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("price_per_second = 0.2", "price_per_second without a price_source"),
        ("prices = [{ per_second = 0.2 }]", "prices without a price_source"),
    ],
)
def test_price_that_replaces_the_vendors_requires_its_own_source(line: str, message: str):
    text = f'{CONFIG}[[models]]\nname = "acme/video/fast"\n{line}\n'
    assert errors_in(text) == [f"10: model 'acme/video/fast': {message}"]
    assert errors_in(f'{text}price_source = "our contract"\n') == []


@pytest.mark.usefixtures("acme")
def test_id_of_a_vendors_model_cannot_be_changed():
    text = f'{CONFIG}[[models]]\nname = "acme/video/fast"\nid = "video/slow"\n'
    assert errors_in(text) == ["10: model 'acme/video/fast': its name contains its id"]


@pytest.mark.usefixtures("acme")
def test_error_of_a_changed_model_has_its_own_line():
    text = f'{CONFIG}[[models]]\nname = "acme/video/fast"\nseconds = [0]\n'
    (error,) = errors_in(text)
    assert error.startswith("10: model 'acme/video/fast'.seconds.0: ")


@pytest.mark.parametrize(
    ("limits", "line", "message"),
    [
        ("[limits]\ndaily_dollar = 5", 2, "limits.daily_dollar: Extra inputs are not permitted"),
        ("[limits]\nopen_jobs = -1", 2, "limits.open_jobs: Input should be greater than or equal"),
        ("[limits]\ndaily_dollars = inf", 2, "limits.daily_dollars: Input should be a finite"),
        (
            "[limits]\nmonthly_dollars = 5\n[limits.accounts.studio]\ndaily_dollars = 6",
            4,
            "limits.accounts.studio.daily_dollars: must be at most monthly_dollars, 5 (got 6)",
        ),
        (
            "[limits.accounts.Studio]\nopen_jobs = 6",
            1,
            "limits.accounts: an account is up to 63 lower-case letters, digits and hyphens",
        ),
        (
            "[limits.keys.0123456789abcdef]\nweight = 6",
            2,
            "limits.keys.0123456789abcdef.weight: Extra inputs are not permitted",
        ),
    ],
)
def test_errors_of_limits_have_their_lines(limits: str, line: int, message: str):
    before = VALID.count("\n")
    (found,) = errors_in(f"{VALID}{limits}\n")
    assert found.startswith(f"{before + line}: {message}")
