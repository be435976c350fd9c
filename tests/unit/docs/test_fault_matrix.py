"""docs/fault-matrix.md: each row names tests that exist."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs/fault-matrix.md"
HEAD = "| fault | component | effect | mechanism | tests |"
TEST_NAME = re.compile(r"`(tests/[\w/]+\.py)::([\w:]+)`")
FAULT_COUNT = 49


def rows(page: str) -> list[list[str]]:
    lines = page.partition(f"{HEAD}\n")[2].splitlines()[1:]
    found = []
    for line in lines:
        if not line.startswith("|"):
            break
        found.append([cell.strip() for cell in line.strip("|").split(" | ")])
    return found


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


def problems(page: str) -> list[str]:
    found = []
    for cells in rows(page):
        if len(cells) != 5 or not all(cells):
            found.append(f"{cells[0]}: not five non-empty cells")
        elif not TEST_NAME.search(cells[-1]):
            found.append(f"{cells[0]}: no test")
    for path, name in TEST_NAME.findall(page):
        if name not in collected(path):
            found.append(f"{path} has no {name}")
    return found


def test_each_row_names_existing_tests() -> None:
    page = PAGE.read_text()
    assert problems(page) == []
    faults = [cells[0] for cells in rows(page)]
    assert len(faults) == len(set(faults)) == FAULT_COUNT


THIS_FILE = "tests/unit/docs/test_fault_matrix.py"


@pytest.mark.parametrize(
    ("tests", "problem"),
    [
        ("by hand", "Rain: no test"),
        ("`tests/unit/test_rain.py::test_x`", "tests/unit/test_rain.py has no test_x"),
        (f"`{THIS_FILE}::test_rain`", f"{THIS_FILE} has no test_rain"),
        (f"`{THIS_FILE}::rows`", f"{THIS_FILE} has no rows"),
        ("", "Rain: not five non-empty cells"),
    ],
)
def test_problems_names_a_row_without_an_existing_test(tests: str, problem: str) -> None:
    page = f"{HEAD}\n| --- | --- | --- | --- | --- |\n| Rain | roof | drips | tar | {tests} |\n"
    assert problems(page) == [problem]


def test_collected_includes_tests_in_classes() -> None:
    assert collected("tests/integration/test_ports.py") >= {
        *("TestBus", "TestBus::test_put_of_nothing_makes_no_call"),
    }
