"""`python -m tests.matrix`: run a job for every dialect and provider, and print a table.

`--write` updates the table in README.md; `--small` runs each provider with one dialect.
"""

import argparse
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from local.api_clients import API_CLIENTS
from local.packaging import ROOT
from local.stack import Stack
from tests.matrix.cells import FAILED, ROWS, Cell, run_cell

BEGIN, END = "<!-- matrix -->", "<!-- /matrix -->"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.matrix", description=__doc__)
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--write", action="store_true", help="update the table in README.md")
    mode.add_argument("--small", action="store_true", help="run each provider with one dialect")
    args = parser.parse_args()
    cells = small_selection() if args.small else every_cell()
    with (
        tempfile.TemporaryDirectory() as folder,
        Stack(Path(folder) / "state") as stack,
        ThreadPoolExecutor(len(API_CLIENTS)) as threads,
    ):
        texts = threads.map(lambda cell: run_cell(stack, cell), cells)
        results = dict(zip(cells, texts, strict=True))
    print(markdown(results))
    if args.write:
        write_readme(markdown(results))
    if any(text.startswith(FAILED) for text in results.values()):
        sys.exit("at least one cell failed")


def every_cell() -> list[Cell]:
    return [(row, dialect) for row in ROWS for dialect in API_CLIENTS]


def small_selection() -> list[Cell]:
    """Select one dialect per row, in rotation, so that every row and every dialect occurs."""
    dialects = list(API_CLIENTS)
    return [(row, dialects[number % len(dialects)]) for number, row in enumerate(ROWS)]


def markdown(results: Mapping[Cell, str]) -> str:
    lines = ["| provider | " + " | ".join(API_CLIENTS) + " |"]
    lines.append("| --- |" + " --- |" * len(API_CLIENTS))
    for row in ROWS:
        texts = [results.get((row, dialect), "") for dialect in API_CLIENTS]
        lines.append("| " + " | ".join([row, *texts]) + " |")
    return "\n".join(lines)


def write_readme(table: str) -> None:
    readme = ROOT / "README.md"
    before, _, rest = readme.read_text().partition(BEGIN)
    readme.write_text(f"{before}{BEGIN}\n{table}\n{END}{rest.partition(END)[2]}")


if __name__ == "__main__":
    main()
