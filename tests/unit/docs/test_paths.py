"""The documentation names repository paths that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FOLDERS = "docs|layers|tests|scripts|bench|local|sandbox|functions|events|tools|examples"
PATH = re.compile(rf"`((?:{FOLDERS})/[^\s`]*)`")
PAGES = (
    *(ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "SECURITY", "sandbox/README")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "examples").rglob("README.md")),
    *(ROOT / f"tests/{name}/README.md" for name in ("contract/specs", "fixtures/releases")),
)
NOT_OURS = re.compile(r"sandbox/(video|image|tone)\b|docs/openapi$")
"""Names of the sandbox's models, and a folder of another project."""


def missing(page: str) -> list[str]:
    """Return the paths that match no file; `<name>` and `*` match any name."""
    paths = [path.partition("::")[0] for path in PATH.findall(page) if not NOT_OURS.match(path)]
    return [path for path in paths if not any(ROOT.glob(re.sub(r"<\w+>", "*", path)))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_page_names_existing_paths(page: Path) -> None:
    assert missing(page.read_text()) == []


def test_missing_returns_paths_without_a_file() -> None:
    page = "`docs/rain.md` `docs/*.md` `tests/<x>/rain.py` `tests/unit/rain.py::test_x` `sandbox/`"
    assert missing(page) == ["docs/rain.md", "tests/<x>/rain.py", "tests/unit/rain.py"]
