import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.moto_stack import ENVIRONMENT, MotoStack
from tests.unit.cli.drill_stack import DrillStack
from tests.unit.cli.test_app import SESSION

AWS = {name: value for name, value in ENVIRONMENT.items() if name.startswith("AWS_")}


@pytest.fixture(scope="module")
def moto_stack() -> Iterator[MotoStack]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in AWS.items():
            patch.setenv(name, value)
        stack = MotoStack()
        yield stack
        stack.stop()


@pytest.fixture
def drill(moto_stack: MotoStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DrillStack:
    for name, value in AWS.items():
        monkeypatch.setenv(name, value)
    for name in ("RUSHES_STACK", "RUSHES_PROFILE", "RUSHES_URL", "RUSHES_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    monkeypatch.setattr("cli.target.boto3.Session", lambda **_: SESSION)
    return DrillStack(moto_stack, tmp_path)
