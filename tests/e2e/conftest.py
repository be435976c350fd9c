import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.packaging import ROOT
from tests.e2e.programs import copy_tree
from tests.stack import aws, client, events, stack

__all__ = ["aws", "client", "events", "stack"]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the tree with the same environments, for commands that write files."""
    copy = copy_tree(tmp_path_factory.mktemp("tree"))
    (copy / ".local").symlink_to(ROOT / ".local")
    yield copy
    shutil.rmtree(copy)
