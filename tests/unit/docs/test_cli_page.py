"""docs/cli.md is what the commands say."""

from local.packaging import ROOT
from scripts import generate_cli_page


def test_page_is_current():
    current = (ROOT / "docs/cli.md").read_text("utf-8")
    assert current == generate_cli_page.page(), "run python -m scripts.generate_cli_page"
