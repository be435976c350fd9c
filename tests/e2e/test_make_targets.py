"""Every documented command is run: in its small form, or by the test named in `RUN_BY`."""

import re
from pathlib import Path

import httpx
import pytest

from local.packaging import ROOT
from local.stack import NAME, Stack
from tests.e2e.programs import run
from tests.e2e.small_forms import SMALL_FORMS, make
from tests.e2e.small_jobs import completes, create

RUN_BY = {
    "make check": ".ci/run",
    "make lint": "Makefile",
    "make unit": "Makefile",
    "make test": "Makefile",
    "make probes": "tests/probes/test_probes.py",
    "make demo": "tests/e2e/test_readme.py",
    "make up": "tests/e2e/test_up.py",
    "make build": "tests/e2e/test_readme.py",
    "make package": "tests/e2e/test_readme.py",
    "make key": "tests/e2e/test_readme.py",
    **dict.fromkeys(
        (
            *("make stuck", "make show", "make retry", "make cancel", "make redrive"),
            *("make reindex", "make invoke", "make reencrypt"),
            *("make format", "make requirements"),
            *("./rushes config diff", "./rushes config history"),
        ),
        "tests/e2e/test_make_targets.py",
    ),
    **dict.fromkeys(
        (
            *("./rushes config check", "./rushes config push", "./rushes config rollback"),
            *("./rushes provider set-key", "./rushes provider test", "./rushes provider list"),
        ),
        "tests/e2e/test_migration_guides.py",
    ),
    **dict.fromkeys(
        (
            *("./rushes key create", "./rushes key list", "./rushes key show"),
            *("./rushes key rename", "./rushes key scopes", "./rushes key set"),
            *("./rushes key rotate", "./rushes key revoke"),
            *("./rushes account create", "./rushes account list", "./rushes account show"),
            *("./rushes account set", "./rushes account disable", "./rushes account enable"),
            *("./rushes account adopt", "./rushes audit"),
        ),
        "tests/unit/cli/test_key_commands.py",
    ),
    **dict.fromkeys(
        ("./rushes provider status", "./rushes provider pause", "./rushes provider resume"),
        "tests/unit/cli/test_provider_state.py",
    ),
    **dict.fromkeys(
        (
            *("./rushes job paused", "./rushes job resume"),
            *("./rushes job fail", "./rushes job orphans"),
        ),
        "tests/unit/cli/test_job_commands.py",
    ),
    "tests.simulation": "Makefile",
    "tests.faults": "Makefile",
    "tests.probes.table": "tests/probes/test_covers.py",
    "./rushes doctor": "tests/e2e/test_doctor.py",
    "bench.cost": "tests/unit/bench/test_cost_page.py",
    "bench/cost.py": "tests/unit/bench/test_cost_page.py",
    "bench/write_units.py": "Makefile",
    "bench.search": "Makefile",
    "bench/load_model.py": "Makefile",
    "bench/init_cost.py": "Makefile",
    "bench/collect_memory.py": "Makefile",
    "bench/history.py": "Makefile",
    "bench/hanging_endpoint.py": "Makefile",
    "bench/isolation.py": "Makefile",
    "scripts/config_schema.py": "tests/unit/scripts/test_config_schema.py",
    "scripts/generate_compatibility_page.py": "tests/unit/docs/test_compatibility_page.py",
    "scripts/generate_model_page.py": "tests/unit/docs/test_models_page.py",
    "scripts.generate_fal_models": "tests/unit/scripts/test_generate_fal_models.py",
    "scripts.generate_openapi": "tests/unit/api/test_openapi.py",
    "scripts.generate_postman": "tests/openapi/test_postman_collection.py",
    "scripts.generate_reference": "tests/unit/docs/test_error_pages.py",
    "scripts/mutants.py": "Makefile",
    "scripts/schemas.py": "tests/unit/test_event_files.py",
}
"""Commands that another test runs, or that a target runs which is itself run."""
CODE = re.compile(r"```\w*\n(.*?)```|`([^`\n]+)`", re.DOTALL)
COMMAND = re.compile(
    r"\b(make [a-z][a-z-]*)|python -m ([\w.]+)|(?<![\w/])((?:scripts|bench)/\w+\.py)"
    r"|(\./rushes (?:(?:account|config|job|key|provider) [a-z-]+|audit|doctor))"
)
NOT_OURS = frozenset({"pytest", "venv", "pip"})
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/*.md")]


def documented() -> set[str]:
    """Return the commands in the code blocks and spans of the documentation and in `make help`."""
    blocks = (match for page in PAGES for match in CODE.finditer(page.read_text("utf-8")))
    code = [match[1] or match[2] for match in blocks]
    rows = re.findall(r"^  make ((?:[a-z-]+ )+)", make("help"), re.MULTILINE)
    targets = re.findall(r"^\.PHONY: (.+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    known = {name for line in targets for name in line.split()}
    code += [f"make {name}" for row in rows for name in row.split() if name in known]
    found = {next(filter(None, groups)) for text in code for groups in COMMAND.findall(text)}
    return found - NOT_OURS


def test_every_documented_command_is_run():
    run_here = {f"make {name}" for name in SMALL_FORMS}
    assert documented() - run_here - set(RUN_BY) == set()


@pytest.mark.parametrize(("command", "path"), RUN_BY.items())
def test_file_that_runs_command_names_it(command: str, path: str):
    text = (ROOT / path).read_text()
    name = command.removeprefix("make ").replace("bench/", "").removesuffix(".py")
    arguments = '", "'.join(name.split()[1:])
    named = name if name.startswith("./rushes") else name.rpartition(".")[2]
    assert named in text or (arguments and f'"{arguments}"' in text)


def test_format_and_requirements_change_no_file(tree: Path):
    make("format", tree)
    make("requirements", tree)
    for path in ("layers/dependencies/requirements.txt", "scripts/mutants.py", "tests/fakes.py"):
        assert (tree / path).read_bytes() == (ROOT / path).read_bytes(), path


@pytest.mark.parametrize("target", ["unit", "test", "lint", "check"])
def test_target_without_small_form_is_well_formed(target: str):
    assert make(f"--dry-run {target}")


def test_operator_targets(stack: Stack, client: httpx.Client):
    aws = {name: value for name, value in stack.environment().items() if name.startswith("AWS_")}
    job_id = create(client).json()["id"]
    assert completes(client, job_id, 120)

    def operate(target: str) -> str:
        return make(f"{target} STACK_NAME={NAME} JOB={job_id}", environment=aws)

    def refused(target: str) -> str:
        with pytest.raises(AssertionError) as raised:
            operate(target)
        return str(raised.value)

    assert job_id in operate("show")
    assert "has already ended" in refused("cancel")
    assert "only a failed or cancelled job can be retried" in refused("retry")
    assert "moved back" in operate("redrive")
    assert re.search(r"encrypted the secrets of \d+ webhook", operate("reencrypt"))
    assert re.search(r"rewrote \d+ jobs", operate("reindex"))
    assert "rk_" in operate("key ACCOUNT=drill")
    assert job_id not in operate("stuck")
    assert '"status": "ending"' in operate("invoke EVENT=submit/first")
    assert '"status": "unknown"' in operate("invoke EVENT=finish/outcome")


def test_configuration_commands(stack: Stack):
    aws = {name: value for name, value in stack.environment().items() if name.startswith("AWS_")}
    assert "0 differences to version 1" in run(f"./rushes config diff --stack {NAME}", ROOT, aws)
    assert "local stack" in run(f"./rushes config history --stack {NAME}", ROOT, aws)
