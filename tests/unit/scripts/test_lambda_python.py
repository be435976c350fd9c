"""`make build` uses a working Python 3.13 for the layers' bytecode, or fails."""

import os
import subprocess
from pathlib import Path

import pytest

from local.packaging import ROOT

WORKING = "#!/bin/sh\nexit 0\n"
OTHER_VERSION = "#!/bin/sh\nexit 1\n"
"""A script is a Python 3.13 if it exits with 0 for the program that compares the version."""
INACTIVE_SHIM = '#!/bin/sh\necho "pyenv: python3.13: command not found" >&2\nexit 127\n'
BROKEN = "#!/nowhere/python\n"


def folder(tmp_path: Path, name: str, script: str, *, executable: bool = True) -> Path:
    path = tmp_path / name
    path.mkdir()
    (path / "python3.13").write_text(script)
    (path / "python3.13").chmod(0o755 if executable else 0o644)
    return path


def run(*folders: Path, command: str = "scripts/lambda_python.sh", **variables: str):
    """Run in an environment in which only the folders may have a python3.13."""
    usual = [place for place in ("/usr/bin", "/bin") if not Path(place, "python3.13").exists()]
    path = os.pathsep.join([*map(str, folders), *usual])
    return subprocess.run(
        ["bash", "-c", command],
        cwd=ROOT,
        env={"PATH": path, "HOME": str(Path.home()), **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_working_interpreter_is_printed(tmp_path: Path):
    good = folder(tmp_path, "good", WORKING)
    done = run(good)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{good}/python3.13\n", "")


@pytest.mark.parametrize("script", [INACTIVE_SHIM, OTHER_VERSION, BROKEN])
def test_interpreter_that_does_not_work_is_passed_over(tmp_path: Path, script: str):
    bad, good = folder(tmp_path, "bad", script), folder(tmp_path, "good", WORKING)
    assert run(bad, good).stdout == f"{good}/python3.13\n"


@pytest.mark.parametrize("script", [INACTIVE_SHIM, OTHER_VERSION, BROKEN])
def test_only_interpreter_that_does_not_work_counts_as_none(tmp_path: Path, script: str):
    bad = folder(tmp_path, "bad", script)
    done = run(bad)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"Not working: {bad}/python3.13" in done.stderr
    for advice in ("Install Python 3.13", "PYENV_VERSION", "LAMBDA_PYTHON", "BYTECODE=no"):
        assert advice in done.stderr


def test_file_that_is_not_executable_counts_as_none(tmp_path: Path):
    done = run(folder(tmp_path, "plain", WORKING, executable=False))
    assert (done.returncode, "Not working" in done.stderr) == (1, False)


def test_no_interpreter_is_an_error_that_says_what_to_do():
    done = run()
    assert (done.returncode, done.stdout) == (1, "")
    assert "make build BYTECODE=no" in done.stderr
    assert "pyenv" not in done.stderr


def test_build_without_bytecode_needs_no_interpreter(tmp_path: Path):
    done = run(folder(tmp_path, "bad", INACTIVE_SHIM), BYTECODE="no")
    assert (done.returncode, done.stdout) == (0, "")
    assert "no bytecode" in done.stderr


def test_bytecode_is_yes_or_no(tmp_path: Path):
    done = run(folder(tmp_path, "good", WORKING), BYTECODE="false")
    assert (done.returncode, done.stderr) == (1, "BYTECODE must be yes or no (got false)\n")


def test_named_interpreter_precedes_the_path(tmp_path: Path):
    good, named = folder(tmp_path, "good", WORKING), folder(tmp_path, "named", WORKING)
    done = run(good, LAMBDA_PYTHON=str(named / "python3.13"))
    assert done.stdout == f"{named}/python3.13\n"
    bad = folder(tmp_path, "bad", OTHER_VERSION)
    done = run(good, LAMBDA_PYTHON=str(bad / "python3.13"))
    assert (done.returncode, "is not a working Python 3.13" in done.stderr) == (1, True)


def test_make_build_fails_before_sam_runs(tmp_path: Path):
    """The recipe alone, with a SAM CLI that reports that it ran."""
    sam = folder(tmp_path, "bad", INACTIVE_SHIM)
    (sam / "sam").write_text('#!/bin/sh\necho "sam $1 with ${LAMBDA_PYTHON:-none}"\n')
    (sam / "sam").chmod(0o755)
    make = f"make --no-print-directory build ENVS={tmp_path}/envs SAM=sam"
    (tmp_path / "envs/sam").mkdir(parents=True)
    (tmp_path / "envs/sam/.synced").touch()
    failed = run(sam, command=make)
    assert failed.returncode != 0
    assert "sam build" not in failed.stdout
    assert "make build BYTECODE=no" in failed.stderr
    without = run(sam, command=f"{make} BYTECODE=no")
    assert (without.returncode, without.stdout) == (0, "sam build with none\n")
    good = folder(tmp_path, "good", WORKING)
    built = run(sam, good, command=make)
    assert built.stdout == f"sam build with {good}/python3.13\n"
