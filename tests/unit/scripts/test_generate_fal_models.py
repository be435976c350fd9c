from typing import Any

import pytest

from scripts.fal_models.published import inputs
from scripts.generate_fal_models import main, models, sandbox_text, vendor_text

PIXVERSE = "fal-ai/pixverse/v5/text-to-video"


@pytest.fixture(scope="module")
def tables() -> dict[str, dict[str, Any]]:
    return {table["id"]: table for table in models(inputs())}


def test_hints_correct_the_derived_length(tables):
    assert tables["fal-ai/pixverse/v6/text-to-video"]["seconds"] == {
        "min": 1,
        "max": 15,
        "default": 5,
    }


def test_keys_of_an_override_replace_those_of_the_model(tables):
    assert tables[PIXVERSE]["rules"] == [
        {"when": {"resolution": ["1080p"]}, "allow": {"seconds": [5]}}
    ]
    assert "note" not in tables[PIXVERSE]


def test_written_files_are_current(capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["generate_fal_models", "--check"])
    assert main() == 0
    assert capsys.readouterr().out == ""


def test_outdated_file_is_named(capsys, monkeypatch, tmp_path):
    path = tmp_path / "fal.toml"
    monkeypatch.setattr("scripts.generate_fal_models.ROOT", tmp_path)
    monkeypatch.setattr("scripts.generate_fal_models.VENDOR", path)
    monkeypatch.setattr("scripts.generate_fal_models.SANDBOX", tmp_path / "schemas" / "fal.json")
    monkeypatch.setattr("sys.argv", ["generate_fal_models", "--check"])
    assert main() == 1
    assert "fal.toml is outdated" in capsys.readouterr().out
    assert not path.exists()
    monkeypatch.setattr("sys.argv", ["generate_fal_models"])
    assert main() == 0
    assert path.read_text() == vendor_text(models(inputs()))


def test_sandbox_has_schema_output_and_defaults_of_each_endpoint(tables):
    text = sandbox_text(inputs(), [tables[PIXVERSE]])
    line = text.splitlines()[1]
    assert line.startswith(f'"{PIXVERSE}": {{"modality": "video"')
    assert '"defaults": {"seconds": 5, "size": "1280x720"}' in line
    assert '"output": {"video": "file"}' in line
