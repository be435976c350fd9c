"""Error codes in source files, besides those of the classes."""

import ast
from collections.abc import Iterator
from pathlib import Path


def error_code_literals(folder: Path) -> Iterator[str]:
    """Yield the codes that are given at a raise statement or to a `JobError`."""
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.keyword("code", ast.Constant(str(value))):
                    yield value
                case _:
                    pass
