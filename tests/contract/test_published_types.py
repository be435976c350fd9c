"""The committed types of the vendors are those of their packages.

`make test` installs the packages of PyPI in `.local/envs/vendors`. Those of npm are downloaded once
and kept in .local/npm; without them and without a network, their tests are skipped.
"""

import json
import re
import subprocess
import tomllib
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

import pytest

from tests.contract.vendors import npm_packages
from tests.contract.vendors.published_files import FOLDER, read

ROOT = Path(__file__).parents[2]
ENVIRONMENT = ROOT / ".local/envs/vendors"
INSTALLED = pytest.mark.skipif(
    not (ENVIRONMENT / ".synced").exists(), reason="run `make .local/envs/vendors/.synced`"
)
NPM = ("fal", "minimax")
EXTRACTED = sorted(
    path.stem.removeprefix("extract_").replace("_", "-")
    for path in FOLDER.parent.glob("extract_*.py")
)
DOCUMENTATION = "the vendor publishes prose and tables, no package"
TRANSCRIBED = {
    "bedrock-documented": "boto3 types modelInput as any JSON",
    "byteplus-documented": "the package types values as plain strings",
    "dashscope-documented": "the package accepts any value",
    "fal-documented": "the package lacks the endpoints of 2026",
    "google-documented": "the package has no limits",
    "kling-documented": DOCUMENTATION,
    "kling-v1-documented": DOCUMENTATION,
    "litellm": "the package brings a gateway with dozens of dependencies for one type",
    "minimax-documented": "the package types values as plain strings",
    "openrouter-models": "GET /api/v1/videos/models of the running service",
    "pipelet": DOCUMENTATION,
    "replicate": "the API states the types to an API token: refresh_replicate.py",
    "sglang": "the package requires PyTorch",
    "tiyaro": DOCUMENTATION,
    "together-models": "the package types the request, not the models",
    "vertex-documented": "the package types values as plain strings",
    "vllm-omni": "the package requires PyTorch",
    "xai-documented": "the package has no limits",
}
"""Files that are not extracted from a package, and why."""
MAX_SHOWN = 5


@INSTALLED
@pytest.mark.parametrize("vendor", EXTRACTED)
def test_committed_types_are_those_of_the_package(vendor: str, tmp_path: Path) -> None:
    module = f"tests.contract.vendors.extract_{vendor.replace('-', '_')}"
    if vendor in NPM:
        _provide_npm_package(module)
    target = tmp_path / f"{vendor}.json"
    command = [str(ENVIRONMENT / "bin/python"), "-m", module, str(target)]
    run = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    shown = list(differences(read(vendor), json.loads(target.read_text())))[:MAX_SHOWN]
    assert shown == [], f"run `python -m {module}` in {ENVIRONMENT.relative_to(ROOT)}"
    assert target.read_text() == (FOLDER / target.name).read_text()


def _provide_npm_package(module: str) -> None:
    extractor = import_module(module)
    try:
        npm_packages.archive(extractor.PACKAGE, extractor.VERSION)
    except npm_packages.PackageUnavailableError as error:
        pytest.skip(str(error))


@INSTALLED
@pytest.mark.parametrize("vendor", sorted(set(EXTRACTED) - set(NPM)))
def test_committed_version_is_installed(vendor: str) -> None:
    document = read(vendor)
    assert installed()[document["package"]] == document["version"]


def installed() -> dict[str, str]:
    """Return the versions of the packages in the environment of the extractions."""
    (folder,) = ENVIRONMENT.glob("lib/python*/site-packages")
    found: Iterator[Distribution] = iter(distributions(path=[str(folder)]))
    return {package.metadata["Name"]: package.version for package in found}


def test_each_file_is_extracted_or_says_why_not() -> None:
    files = {path.stem for path in FOLDER.glob("*.json")}
    assert files == {*EXTRACTED, *TRANSCRIBED}
    assert not set(EXTRACTED).intersection(TRANSCRIBED)


@pytest.mark.parametrize("name", TRANSCRIBED)
def test_transcript_has_a_source_and_a_date(name: str) -> None:
    document = read(name)
    assert document["source"]
    assert re.search(r"\b20\d\d-\d\d-\d\d\b", f"{document['source']} {document.get('date', '')}")


def test_all_required_packages_are_extracted() -> None:
    project = tomllib.loads((ROOT / "tools/vendors/pyproject.toml").read_text())
    required = {
        re.split(r"[\[=]", requirement)[0] for requirement in project["project"]["dependencies"]
    }
    assert required == {read(vendor)["package"] for vendor in EXTRACTED if vendor not in NPM}


def differences(committed: Any, extracted: Any, path: str = "") -> Iterator[str]:
    """Yield the places where two documents differ."""
    if isinstance(committed, dict) and isinstance(extracted, dict):
        for name in {**committed, **extracted}:
            inner = f"{path}/{name}"
            if name not in extracted:
                yield f"{inner} is not in the package"
            elif name not in committed:
                yield f"{inner} is not in the committed file"
            else:
                yield from differences(committed[name], extracted[name], inner)
    elif committed != extracted:
        yield f"{path} is {str(committed)[:200]}, in the package {str(extracted)[:200]}"


def test_package_that_npm_cannot_download_is_unavailable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(npm_packages, "FOLDER", tmp_path / "npm")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(npm_packages.PackageUnavailableError, match="cannot download clip@1"):
        npm_packages.read_text("clip", "1", "index.d.ts")


def test_differences_are_named_by_their_place() -> None:
    committed = {"version": "1", "request": {"old": {}, "kept": {"type": "string"}}}
    extracted = {"version": "1", "request": {"kept": {"type": "integer"}, "new": {}}}
    assert list(differences(committed, extracted)) == [
        "/request/old is not in the package",
        "/request/kept/type is string, in the package integer",
        "/request/new is not in the committed file",
    ]
