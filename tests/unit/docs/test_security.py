"""docs/security.md: each row names tests that exist, and each part of the page has its table."""

import re

import pytest

from tests.security.corpora.families import MINIMUM
from tests.unit.docs.named_tests import ROOT, TEST_NAME, absent_tests

PAGE = (ROOT / "docs/security.md").read_text()
COLUMNS = {
    "| threat | control | test |": 3,
    "| input | bound | held by | tried by |": 4,
    "| resource | share | held by | tried by |": 4,
}
FLOWS = (
    "Client to the api function",
    "The functions to DynamoDB, S3 and Step Functions",
    "The workflow to the provider",
    "The provider to the workflow",
    "The workflow to S3, and presigned links",
    "EventBridge to notify, deliver and the subscriber",
    "Operator to the stack",
    "The local stack",
    "Supply chain",
)
FAMILIES = {
    "json": "JSON bodies",
    "multipart": "multipart bodies",
    "paths": "paths",
    "headers": "headers and queries",
    "tenancy": "tenancy",
    "native": "native tenancy",
    "keys": "API keys",
}


def tables(page: str) -> list[tuple[str, list[list[str]]]]:
    """Return the heading and the rows of each table whose rows name tests."""
    found = []
    for head, rest in re.findall(r"^(\|.*\|)\n\| ---.*\n((?:\|.*\n)+)", page, re.MULTILINE):
        if head in COLUMNS:
            rows = [line.strip("|").split(" | ") for line in rest.splitlines()]
            found.append((head, [[cell.strip() for cell in row] for row in rows]))
    return found


def problems(page: str) -> list[str]:
    found = []
    for head, rows in tables(page):
        for cells in rows:
            if len(cells) != COLUMNS[head] or not all(cells):
                found.append(f"{cells[0]}: not {COLUMNS[head]} non-empty cells")
            elif not TEST_NAME.search(cells[-1]):
                found.append(f"{cells[0]}: no test")
    return [*found, *absent_tests(page)]


def test_every_row_names_existing_tests():
    assert problems(PAGE) == []


@pytest.mark.parametrize("flow", FLOWS)
def test_every_data_flow_has_threats(flow: str):
    section = PAGE.partition(f"\n### {flow}\n")[2].partition("\n##")[0]
    (table,) = tables(section)
    assert len(table[1]) >= 3


@pytest.mark.parametrize("section", ["Resource bounds", "Shares", "What is not covered"])
def test_page_has_the_section(section: str):
    assert f"\n## {section}\n" in PAGE


def test_every_letter_of_stride_occurs():
    letters = {row[0][0] for head, rows in tables(PAGE) if "threat" in head for row in rows}
    assert letters == set("STRIDE")


@pytest.mark.parametrize("family", MINIMUM)
def test_page_has_the_minimum_number_of_cases(family: str):
    cases = re.search(rf"^\| {FAMILIES[family]} \| ([\d,]+) \|", PAGE, re.MULTILINE)
    assert cases
    assert int(cases[1].replace(",", "")) == MINIMUM[family]


def test_problems_are_found():
    head = "| threat | control | test |\n| --- | --- | --- |\n"
    assert problems(f"{head}| S: x | y |\n") == ["S: x: not 3 non-empty cells"]
    assert problems(f"{head}| S: x | y | none |\n") == ["S: x: no test"]
    row = "| S: x | y | `tests/unit/docs/test_security.py::test_nothing` |\n"
    assert problems(f"{head}{row}") == ["tests/unit/docs/test_security.py has no test_nothing"]
