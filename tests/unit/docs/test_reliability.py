"""docs/reliability.md: each row of its matrix names tests, and each of them exists."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs/reliability.md"
HEAD = "| what goes wrong | where | what happens | by what | shown by |"
NAMED = re.compile(r"`(tests/[\w/]+\.py)::([\w:]+)`")
FAULTS = 47
"""Rows; whoever adds one says so here."""


def rows(page: str) -> list[list[str]]:
    """The matrix, cell by cell."""
    lines = page.partition(f"{HEAD}\n")[2].splitlines()[1:]
    found = []
    for line in lines:
        if not line.startswith("|"):
            break
        found.append([cell.strip() for cell in line.strip("|").split(" | ")])
    return found


def named(text: str) -> list[tuple[str, str]]:
    return [(path, name) for path, name in NAMED.findall(text)]


@cache
def collected(path: str) -> frozenset[str]:
    """What pytest would collect there by name: functions, classes, and functions in classes."""
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
            found.append(f"{cells[0]}: not five cells with something in each")
        elif not named(cells[-1]):
            found.append(f"{cells[0]}: no test")
    for path, name in named(page):
        if name not in collected(path):
            found.append(f"{path} has no {name}")
    return found


def test_each_row_is_shown_by_tests_that_exist() -> None:
    page = PAGE.read_text()
    assert problems(page) == []
    assert len(rows(page)) == FAULTS
    titles = [cells[0] for cells in rows(page)]
    assert len(titles) == len(set(titles))


@pytest.mark.parametrize(
    ("tests", "problem"),
    [
        ("by hand", "Rain: no test"),
        ("`tests/unit/test_rain.py::test_x`", "tests/unit/test_rain.py has no test_x"),
        (
            "`tests/unit/docs/test_reliability.py::test_rain`",
            "tests/unit/docs/test_reliability.py has no test_rain",
        ),
        (
            "`tests/unit/docs/test_reliability.py::rows`",
            "tests/unit/docs/test_reliability.py has no rows",
        ),
        ("", "Rain: not five cells with something in each"),
    ],
)
def test_a_row_without_a_test_is_found(tests: str, problem: str) -> None:
    page = f"{HEAD}\n| --- | --- | --- | --- | --- |\n| Rain | roof | drips | tar | {tests} |\n"
    [found] = problems(page)
    assert found.endswith(problem)


def test_a_test_may_be_in_a_class() -> None:
    assert collected("tests/integration/test_ports.py") >= {
        *("TestBus", "TestBus::test_nothing_is_no_call"),
    }
