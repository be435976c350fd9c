"""The table of template.yaml in moto, with counted calls."""

from collections.abc import Iterator

import pytest

from tests.faults.moto_stack import ENVIRONMENT, MotoStack
from tests.unit.aws.dynamodb.moto_table import CountedTable


@pytest.fixture(scope="module")
def moto_stack() -> Iterator[MotoStack]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            if name.startswith("AWS_"):
                patch.setenv(name, value)
        stack = MotoStack()
        yield stack
        stack.stop()


@pytest.fixture
def table(moto_stack: MotoStack) -> Iterator[CountedTable]:
    """An empty table."""
    moto_stack.reset()
    made = CountedTable(moto_stack)
    with made.counting():
        yield made
