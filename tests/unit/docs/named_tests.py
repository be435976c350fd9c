"""Tests that a page of the documentation names, as `path::test`."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[3]
TEST_NAME = re.compile(r"`(tests/[\w/]+\.py)::([\w:]+)`")


def absent_tests(page: str) -> list[str]:
    """Return a sentence for each named test that does not exist."""
    names = TEST_NAME.findall(page)
    return [f"{path} has no {name}" for path, name in names if name not in collected(path)]


@cache
def collected(path: str) -> frozenset[str]:
    """Names of the test functions and classes in a file, without importing it."""
    file = ROOT / path
    tree = ast.parse(file.read_text()) if file.is_file() else ast.Module([], [])
    return frozenset(_names(tree.body))


def _names(body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        match node:
            case ast.FunctionDef(name=name) if name.startswith("test_"):
                yield name
            case ast.ClassDef(name=name) if name.startswith("Test"):
                yield name
                yield from (f"{name}::{inner}" for inner in _names(node.body))
            case ast.Assign(targets=[ast.Name(id=name)]) if name.startswith("Test"):
                yield name
