"""docs/reference/models.md is generated from the vendor data; README.md names the vendors."""

import re
import subprocess
import sys

import pytest

from rushes.catalog.vendor_data import read_vendor, vendor_names
from scripts import generate_model_page
from tests.unit.docs.named_tests import ROOT

PAGE = generate_model_page.page()
README = (ROOT / "README.md").read_text()


def section(vendor: str) -> str:
    return PAGE.partition(f'<a id="{vendor}"></a>')[2].partition("<a id=")[0]


def test_page_is_current() -> None:
    """On a difference run `python scripts/generate_model_page.py`."""
    assert generate_model_page.PAGE.read_text("utf-8") == PAGE


def test_check_succeeds() -> None:
    command = [sys.executable, str(ROOT / "scripts/generate_model_page.py"), "--check"]
    assert subprocess.run(command, check=False).returncode == 0


@pytest.mark.parametrize("vendor", vendor_names())
def test_page_has_a_row_for_each_model(vendor: str) -> None:
    rows = re.findall(r"^\| `([^`]+)` \|", section(vendor), re.MULTILINE)
    assert sorted(rows) == sorted(read_vendor(vendor).ids())


@pytest.mark.parametrize(
    ("vendor", "row"),
    [
        (
            "fal",
            (
                "| `fal-ai/veo3.1/fast` | prompt | 8, 4, 6 | 720p, 1080p, 2160p; 16:9, 9:16 |  |"
                " $0.15/s with audio, 720p; $0.15/s with audio, 1080p; $0.35/s with audio, 2160p;"
                " $0.10/s with 720p; $0.10/s with 1080p; $0.30/s with 2160p |"
            ),
        ),
        (
            "runway",
            (
                "| `veo3.1_fast` | prompt, image?, last_frame? | 8, 4, 6 |"
                " 720p, 1080p; 16:9, 9:16 | with last_frame: requires image;"
                " prompt of 1000 characters | $0.10/s with no audio; else $0.15/s |"
            ),
        ),
        (
            "openai",
            "| `sora-2` | prompt, image? | 4, 8, 12 | 720x1280, 1280x720 |  | $0.10/s |",
        ),
    ],
)
def test_row_has_inputs_limits_and_prices(vendor: str, row: str) -> None:
    assert row in section(vendor).splitlines()


@pytest.mark.parametrize("vendor", vendor_names())
def test_readme_names_the_vendor(vendor: str) -> None:
    assert f"`{vendor}`" in README.partition("## Providers")[2].partition("\n## ")[0]
