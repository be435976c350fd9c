"""docs/reference/errors.md and the page /docs/errors have every error code of the code."""

import ast
import subprocess
import sys
from collections.abc import Iterator

import pytest

from cli.error_codes import error_codes
from local.packaging import ROOT
from rushes.errors import RushesError
from scripts import generate_reference

NO_ERRORS = frozenset({"done"})
"""Values of a `code` that is not an error's: a status of xAI."""
CALLS = frozenset({"JobError"})


def classes(root: type[RushesError] = RushesError) -> Iterator[type[RushesError]]:
    yield root
    for each in root.__subclasses__():
        if each.__module__ == "rushes.errors":
            yield from classes(each)


def literals() -> Iterator[str]:
    """Yield the codes that are given where an error is made."""
    names = {each.__name__ for each in classes()} | CALLS
    for path in (ROOT / "layers/rushes/rushes").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Call(func=ast.Name(name), keywords=keywords) if name in names:
                    for keyword in keywords:
                        match keyword:
                            case ast.keyword("code", ast.Constant(str(value))):
                                yield value
                            case _:
                                pass
                case _:
                    pass


def test_every_code_is_explained():
    codes = {each.code for each in classes()} | set(literals())
    assert len(codes) > 40
    assert codes - error_codes().codes.keys() - NO_ERRORS == set()


@pytest.mark.parametrize("path", generate_reference.pages(), ids=lambda path: path.name)
def test_page_has_every_code(path):
    text = path.read_text("utf-8")
    for code, explained in error_codes().codes.items():
        assert f'id="{code}"' in text
        assert explained.cause
        assert explained.client
        assert explained.operator


def test_pages_are_current():
    command = [sys.executable, "-m", "scripts.generate_reference", "--check"]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
