"""The benchmarks run in their small form."""

from pathlib import Path

from tests.e2e.small_forms import check_small_form


def test_benchmarks_succeed(tree: Path):
    check_small_form("bench", tree)
