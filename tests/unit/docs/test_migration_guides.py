"""docs/from-sora-to-*.md: what the pages say of models, lengths, sizes and prices.

`tests/e2e/test_migration_guides.py` runs the pages.
"""

import re

import pytest

from rushes.catalog.compile import compile_config
from rushes.catalog.models import Catalog
from rushes.catalog.selection import Candidate, candidates
from rushes.jobs.request import GenerationRequest, Role
from tests.unit.docs.named_tests import ROOT

PAGES = {name: (ROOT / f"docs/from-sora-to-{name}.md").read_text() for name in ("fal", "runway")}
MAX_LINES = 130
IMAGE = {Role.IMAGE: "input_reference"}


def catalog_of(page: str) -> Catalog:
    (text,) = re.findall(r"```toml rushes\.toml\n(.*?)```", page, re.DOTALL)
    return compile_config(text)


def chosen(vendor: str, alias: str, files: dict[Role, str], seconds: int, size: str) -> Candidate:
    request = GenerationRequest(model=alias, prompt="a fox", seconds=seconds, size=size)
    return candidates(catalog_of(PAGES[vendor]), alias, request, files)[0]


@pytest.mark.parametrize("vendor", PAGES)
def test_page_is_short(vendor: str) -> None:
    assert PAGES[vendor].count("\n") <= MAX_LINES


@pytest.mark.parametrize("vendor", PAGES)
def test_warnings_are_those_of_the_first_program(vendor: str) -> None:
    (text,) = re.findall(r"```text\n(.*?)\n```", PAGES[vendor])
    found = chosen(vendor, "sora-2", {}, 12, "1024x1792")
    assert text == ", ".join(f'"{warning}"' for warning in found.warnings)
    assert f"`{found.request.seconds} {found.request.size}`" in PAGES[vendor]


@pytest.mark.parametrize("vendor", PAGES)
@pytest.mark.parametrize("files", [{}, IMAGE], ids=["prompt", "image"])
def test_program_with_an_image_needs_no_change(vendor: str, files: dict[Role, str]) -> None:
    assert chosen(vendor, "sora-2", files, 8, "720x1280").warnings == ()


@pytest.mark.parametrize("vendor", PAGES)
@pytest.mark.parametrize("alias", ["sora-2", "sora-2-pro"])
@pytest.mark.parametrize("files", [{}, IMAGE], ids=["prompt", "image"])
@pytest.mark.parametrize("size", ["1024x1792", "1792x1024"])
def test_page_has_the_prices(vendor: str, alias: str, files: dict[Role, str], size: str) -> None:
    found = chosen(vendor, alias, files, 12, size)
    costs = PAGES[vendor].partition("## Costs")[2].partition("## ")[0]
    assert f"${found.price:.2f}" in costs
    assert f"${found.price / 8:.2f} per second" in costs
    assert str(found.model.price_date) in costs


@pytest.mark.parametrize("vendor", PAGES)
def test_page_names_the_models_of_the_aliases(vendor: str) -> None:
    for model in catalog_of(PAGES[vendor]).aliases["sora-2"].models:
        assert f"`{model.partition('/')[2]}`" in PAGES[vendor]


def test_runways_second_model_serves_what_the_first_would_change() -> None:
    found = chosen("runway", "sora-2", {}, 12, "720x1280")
    assert found.model.name == "runway/seedance2_mini"
    assert "`seedance2_mini`" in PAGES["runway"]


@pytest.mark.parametrize(
    ("vendor", "pattern"), [("fal", "fal-ai/kling-video/*"), ("runway", "kling*")]
)
def test_pattern_of_further_models_matches_some(vendor: str, pattern: str) -> None:
    line = f'models = ["{pattern}"]'
    assert line in PAGES[vendor]
    text = f'default_model = "sora-2"\n[providers.{vendor}]\naliases = ["sora-2"]\n{line}\n'
    assert len(compile_config(text).models) > len(compile_config(text.replace(line, "")).models)


@pytest.mark.parametrize("vendor", PAGES)
def test_links_exist(vendor: str) -> None:
    for link, anchor in re.findall(r"\]\((?!https?:)([^)#]+)(?:#([\w-]+))?\)", PAGES[vendor]):
        target = (ROOT / "docs" / link).read_text()
        heading = re.compile(rf"^## {anchor.replace('-', ' ')}$", re.IGNORECASE | re.MULTILINE)
        assert not anchor or heading.search(target) or f'<a id="{anchor}">' in target, link
