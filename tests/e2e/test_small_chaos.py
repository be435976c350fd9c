"""Jobs survive killed functions, in the small form."""

from pathlib import Path

from tests.e2e.small_forms import check_small_form


def test_chaos_succeeds(tree: Path):
    check_small_form("chaos", tree)
