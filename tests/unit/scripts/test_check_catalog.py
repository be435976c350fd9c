import re
import subprocess
import sys
from pathlib import Path

import pytest

from local.packaging import ROOT
from rushes.catalog.models import CATALOG_FILE
from scripts.check_catalog import errors_in

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


def errors(old: str, new: str) -> list[str]:
    assert old in VALID
    return list(errors_in(VALID.replace(old, new)))


def test_valid_catalog_has_no_errors():
    assert list(errors_in(VALID)) == []
    assert list(errors_in(CATALOG_FILE.read_text("utf-8"))) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"short"\n\n', '"long"\n\n', "1: default_model 'long' is not defined"),
        ('"openai_compatible"', '"other"', "4: providers.sandbox.protocol: must be one of dec"),
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
    "text", ["", "providers = 5", "providers.a = 5", "providers.a.protocol = 5"]
)
def test_unrelated_toml_is_an_error(text: str):
    assert all(re.match(r"1: .+", error) for error in errors_in(text))
    assert list(errors_in(text))


def test_each_error_is_reported():
    assert len(list(errors_in(VALID.replace("[4]", '["a"]').replace("0.1", "-1")))) == 2


def test_program_exits_with_1_and_prints_file_and_line(tmp_path: Path):
    (tmp_path / "invalid.toml").write_text(VALID.replace("[4]", "true"))
    command = [sys.executable, "-B", str(ROOT / "scripts/check_catalog.py")]
    valid = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert (valid.returncode, valid.stdout, valid.stderr) == (0, "", "")
    invalid = subprocess.run(
        [*command, "invalid.toml"], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert invalid.returncode == 1
    assert invalid.stdout.startswith("invalid.toml:22: model 'sandbox/one'.seconds: ")


def test_price_requires_a_source():
    priced = VALID.replace(
        'name = "sandbox/one"\n', 'name = "sandbox/one"\nprice_per_second = 0.1\n'
    )
    line = priced.splitlines().index("price_per_second = 0.1") + 1
    assert list(errors_in(priced)) == [
        f"{line}: model 'sandbox/one': price_per_second without a price_source"
    ]


def test_line_of_a_model_is_its_definition_not_a_reference():
    text = VALID.replace('default_model = "short"', 'default_model = "sandbox/one"')
    twice = text + '[[models]]\nname = "sandbox/one"\nseconds = [4]\n'
    (error,) = errors_in(twice)
    line = text.splitlines().index('name = "sandbox/one"') + 1
    assert error.startswith(f"{line}: ")
