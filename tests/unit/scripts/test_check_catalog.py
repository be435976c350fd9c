"""What is wrong with a catalog is said with the line that it is in."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from local.packaging import ROOT
from rushes.catalog.models import CATALOG_FILE
from scripts.check_catalog import faults_in

SOUND = """\
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
price_per_second = 0.1
price_source = "a list"
"""


def faults(old: str, new: str) -> list[str]:
    assert old in SOUND
    return list(faults_in(SOUND.replace(old, new)))


def test_a_sound_catalog_has_no_faults():
    assert list(faults_in(SOUND)) == []
    assert list(faults_in(CATALOG_FILE.read_text("utf-8"))) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"short"\n\n', '"long"\n\n', "1: default_model 'long' is not there"),
        (
            'protocol = "openai_compatible"',
            'protocol = "telepathy"',
            "4: providers.sandbox.protocol: 'telepathy'",
        ),
        (
            "[aliases]",
            "colour = 1\n[aliases]",
            "17: providers.tasks.spec.colour: Extra inputs",
        ),
        (
            '"openai_compatible"',
            '"declarative"',
            '3: providers.sandbox: kind "declarative" needs a table',
        ),
        ("price_per", "prise_per", "28: model 'tasks/two'.prise_per_second: Extra inputs"),
        ('protocol = "declarative"', 'protocol = "runway"', "6: providers.tasks: `spec` is for"),
        ('id = "/id"', 'id = "id"', "11: providers.tasks.spec.id: String should match"),
        ('id = "/id"\n', "", "8: providers.tasks.spec.id: Field required"),
        ("/tasks/{id}", "/tasks", "12: providers.tasks.spec.poll: neither path nor body has"),
        ("/tasks/{id}", "/{task}/{id}", "12: providers.tasks.spec.poll: path has {task}"),
        ('"{prompt}"', '"{promt}"', "9: providers.tasks.spec.create: body has {promt}"),
        ('"{image}"', '"{image!png}"', "9: providers.tasks.spec.create: body has {image!png}"),
        ('"{image}"', '"at {image}"', "9: providers.tasks.spec.create: body has {image} in a"),
        ('"succeeded"', '"fine"', "14: providers.tasks.spec.statuses.done: Input should be"),
        ('"succeeded"', '"failed"', "8: providers.tasks.spec: statuses has no word for"),
        ('["/url"]', "[]", "15: providers.tasks.spec.outputs: Tuple should have"),
        ('"sandbox/one"\n\n', '"sandbox/on"\n\n', "18: alias 'short' stands for 'sandbox/on'"),
        ("seconds = [4]", 'seconds = ["a"]', "22: model 'sandbox/one'.seconds.0: Input should be"),
        ('["image"]', '["sofa"]', "27: model 'tasks/two'.inputs.0: Input should be"),
        ('["image"]', '["image", "audio"]', "26: model 'tasks/two' offers audio, for which"),
        ('["image"]', "[]\nseconds = [1, 2]", "26: model 'tasks/two' offers seconds, for which"),
        ("0.1", "-1", "28: model 'tasks/two'.price_per_second: Input should be greater"),
        ('name = "tasks/two"\n', "", "25: models.1.name: Field required"),
        ('"tasks/two"', '"nobody/two"', "26: model 'nobody/two' names no provider"),
        ("seconds = [4]", "seconds = 4]", "22: not TOML: "),
    ],
)
def test_a_fault_is_said_with_its_line(old: str, new: str, said: str):
    (fault,) = faults(old, new)
    assert fault.startswith(said)


@pytest.mark.parametrize(
    "text", ["", "providers = 5", "providers.a = 5", "providers.a.protocol = 5"]
)
def test_a_catalog_of_quite_another_shape_is_said_to_be_wrong(text: str):
    assert all(re.match(r"1: .+", fault) for fault in faults_in(text))
    assert list(faults_in(text))


def test_each_fault_is_said():
    assert len(list(faults_in(SOUND.replace("[4]", '["a"]').replace("0.1", "-1")))) == 2


def test_the_program_fails_for_a_wrong_catalog_and_names_file_and_line(tmp_path: Path):
    (tmp_path / "wrong.toml").write_text(SOUND.replace("[4]", "true"))
    command = [sys.executable, "-B", str(ROOT / "scripts/check_catalog.py")]
    right = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert (right.returncode, right.stdout, right.stderr) == (0, "", "")
    wrong = subprocess.run(
        [*command, "wrong.toml"], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert wrong.returncode == 1
    assert wrong.stdout.startswith("wrong.toml:22: model 'sandbox/one'.seconds: ")


def test_a_price_says_where_it_is_from():
    priced = SOUND.replace(
        'name = "sandbox/one"\n', 'name = "sandbox/one"\nprice_per_second = 0.1\n'
    )
    line = priced.splitlines().index("price_per_second = 0.1") + 1
    assert list(faults_in(priced)) == [
        f"{line}: model 'sandbox/one': price_per_second without a price_source"
    ]


def test_a_model_is_found_by_its_own_line_though_others_name_it_before():
    text = SOUND.replace('default_model = "short"', 'default_model = "sandbox/one"')
    twice = text + '[[models]]\nname = "sandbox/one"\nseconds = [4]\n'
    (fault,) = faults_in(twice)
    line = text.splitlines().index('name = "sandbox/one"') + 1
    assert fault.startswith(f"{line}: ")
