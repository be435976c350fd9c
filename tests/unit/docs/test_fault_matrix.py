"""docs/fault-matrix.md: each row names tests that exist."""

import pytest

from tests.unit.docs.named_tests import ROOT, TEST_NAME, absent_tests, collected

PAGE = ROOT / "docs/fault-matrix.md"
HEAD = "| fault | component | effect | mechanism | tests |"
FAULT_COUNT = 54


def rows(page: str) -> list[list[str]]:
    lines = page.partition(f"{HEAD}\n")[2].splitlines()[1:]
    found = []
    for line in lines:
        if not line.startswith("|"):
            break
        found.append([cell.strip() for cell in line.strip("|").split(" | ")])
    return found


def problems(page: str) -> list[str]:
    found = []
    for cells in rows(page):
        if len(cells) != 5 or not all(cells):
            found.append(f"{cells[0]}: not five non-empty cells")
        elif not TEST_NAME.search(cells[-1]):
            found.append(f"{cells[0]}: no test")
    return [*found, *absent_tests(page)]


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
