"""The JSON Schema of `rushes.toml` is current, and agrees with what the command accepts."""

import json
import tomllib
from typing import Any

import pytest
from jsonschema import Draft7Validator

from local.packaging import ROOT
from rushes.catalog.models import BUILT_IN_FILE
from scripts import config_schema

CONFIG = ROOT / "rushes.toml"
VALID = """
default_model = "quick"
[providers.fal]
models = ["*"]
aliases = ["sora-2"]
[providers.own]
protocol = "openai_compatible"
base_url = "https://own.example/v1"
[aliases]
quick = "own/a"
some = ["own/a", "own/b"]
[aliases.nearest]
models = ["own/a"]
on_mismatch = "nearest"
[[models]]
name = "own/a"
seconds = { min = 4, max = 15, step = 1, default = 5 }
options = ["seed"]
[[models]]
name = "own/b"
seconds = [4, 8]
price_per_job = 0.1
price_source = "x"
[models.options]
seed = { type = "integer" }
"""


@pytest.fixture(scope="module")
def validator() -> Draft7Validator:
    Draft7Validator.check_schema(config_schema.schema())
    return Draft7Validator(config_schema.schema())


def errors(validator: Draft7Validator, text: str) -> list[str]:
    tables: Any = tomllib.loads(text)
    return [error.message for error in validator.iter_errors(tables)]


def test_schema_is_current():
    """`python scripts/config_schema.py` writes it."""
    assert config_schema.FILE.read_text("utf-8") == config_schema.text()
    assert json.loads(config_schema.text())["title"] == "rushes.toml"


def test_configuration_of_the_repository_names_the_schema_and_keeps_it(validator: Draft7Validator):
    text = CONFIG.read_text("utf-8")
    assert text.startswith(f"#:schema {config_schema.FILE.relative_to(ROOT)}\n")
    assert errors(validator, text) == []
    assert errors(validator, BUILT_IN_FILE.read_text("utf-8")) == []


def test_all_forms_are_valid(validator: Draft7Validator):
    assert errors(validator, VALID) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('models = ["*"]', 'modls = ["*"]'),
        ('"openai_compatible"', '"openai"'),
        ('default_model = "quick"\n', ""),
        ('"nearest"\n', '"nearst"\n'),
        ("seconds = [4, 8]", 'seconds = ["4"]'),
        ("step = 1", "stepp = 1"),
        ('name = "own/a"', 'name = "a"'),
        ("price_per_job = 0.1", "price_per_job = -1"),
        ("[providers.fal]\n", '[providers.fal]\nvendor = "fall"\n'),
    ],
)
def test_mistake_is_found(validator: Draft7Validator, old: str, new: str):
    assert old in VALID
    assert errors(validator, VALID.replace(old, new)) != []
