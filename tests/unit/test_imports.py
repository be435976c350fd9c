"""Modules that functions load, each in a fresh interpreter."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from rushes.config import Settings

REPOSITORY = Path(__file__).parents[2]
ENVIRONMENT = {
    "PYTHONPATH": f"{REPOSITORY / 'layers/rushes'}:{REPOSITORY}",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
    **{str(field.alias): "1" for field in Settings.model_fields.values()},
}
UNWANTED = (
    "httpx",
    "httpcore",
    "anyio",
    "rushes.providers",
    "rushes.http.client",
    "rushes.workflow",
    "aws_xray_sdk",
    "cryptography",
    "aws_lambda_powertools.utilities.parser",
    "aws_lambda_powertools.utilities.validation",
    "aws_lambda_powertools.event_handler.middlewares",
    "aws_lambda_powertools.event_handler.openapi.compat",
    "aws_lambda_powertools.event_handler.openapi.dependant",
    "aws_lambda_powertools.event_handler.openapi.models",
    "aws_lambda_powertools.event_handler.openapi.params",
    "aws_lambda_powertools.event_handler.openapi.schema_generator",
)
IMPORT_SUBMODULES = """
import pkgutil
from importlib import import_module

paths = getattr(import_module("{name}"), "__path__", [])
for module in pkgutil.walk_packages(paths, "{name}."):
    import_module(module.name)
"""


def modules_of(name: str) -> set[str]:
    """Return the modules of a package, or the one module of that name, by their files."""
    source = REPOSITORY / "layers/rushes"
    files = [source / f"rushes/{name}.py", *(source / "rushes" / name).rglob("*.py")]
    paths = [path.relative_to(source).with_suffix("") for path in files if path.exists()]
    return {".".join(path.parts).removesuffix(".__init__") for path in paths}


def modules_after(program: str) -> list[str]:
    result = subprocess.run(
        [sys.executable, "-c", f"{program}\nimport json, sys; print(json.dumps([*sys.modules]))"],
        env=ENVIRONMENT,
        cwd=REPOSITORY,
        capture_output=True,
        check=True,
        text=True,
    )
    names: list[str] = json.loads(result.stdout)
    return names


@pytest.mark.parametrize(
    "then", ["", "app.api.jobs_api()", "app.api.webhook_api()", "app.api.native_api()"]
)
def test_api_function_loads_no_http_client_and_no_provider(then: str):
    names = modules_after(f"import functions.api.app as app\n{then}")
    assert "functions.api.app" in names
    assert "rushes.dialects.openai_videos.openai" in names
    unwanted = [n for n in names if any(f"{n}.".startswith(f"{root}.") for root in UNWANTED)]
    assert unwanted == []


@pytest.mark.parametrize("then", ["", "app.api.jobs_api()", "app.api.webhook_api()"])
def test_native_api_is_loaded_at_its_first_request(then: str):
    names = modules_after(f"import functions.api.app as app\n{then}")
    packages = ("native", "keys", "accounts", "usage", "provider_control")
    roots = tuple(f"rushes.api.{package}" for package in packages)
    assert [name for name in names if name.startswith(roots)] == []


@pytest.mark.parametrize(
    "name",
    ["errors", "jobs", "json_parser", "json_pointer", "ports", "catalog", "dialects", "providers"],
)
def test_pure_packages_load_no_infrastructure(name: str):
    names = set(modules_after(IMPORT_SUBMODULES.format(name=f"rushes.{name}")))
    assert modules_of(name) <= names
    assert not {"boto3", "botocore", "httpx", "aws_lambda_powertools"} & names
