"""Models in a list: names, selection, pages, the bound of a response."""

import json
from typing import Any

import pytest

from rushes.catalog.models import Catalog
from rushes.dialects import model_list
from rushes.dialects.model_list import (
    MAX_DETAIL_BYTES,
    ModelQuery,
    model_view,
    model_views,
    read_offset,
    select_models,
)
from rushes.errors import NotFound, UnknownCursor

LAMBDA_BYTES = 6 * 1024 * 1024


def catalog_of(*models: dict[str, Any], **aliases: Any) -> Catalog:
    return Catalog.model_validate(
        {
            "default_model": models[0]["name"],
            "providers": {name: {"protocol": "openai_compatible"} for name in ("one", "two")},
            "aliases": aliases,
            "models": models,
        }
    )


TEXT = {"name": "one/text", "seconds": [4]}
IMAGE = {"name": "one/image", "inputs": ["image"], "needs": ["image"], "seconds": [4]}
OTHER = {"name": "two/picture", "modality": "image"}
CATALOG = catalog_of(TEXT, IMAGE, OTHER, sora=["one/text", "one/image"], paint="two/picture")


def names(**query: Any) -> list[str]:
    return [model.view.name for model in select_models(CATALOG, ModelQuery(**query)).models]


def test_aliases_precede_models() -> None:
    assert names() == ["sora", "paint", "one/text", "one/image", "two/picture"]
    views = {view.name: view for view in model_views(CATALOG)}
    assert (views["sora"].owner, views["paint"].owner) == ("one", "two")
    assert views["one/image"].aliases == ("sora",)


@pytest.mark.parametrize(
    ("query", "selected"),
    [
        ({"names": ("sora", "one/text", "none")}, ["sora", "one/text"]),
        ({"provider": "two"}, ["paint", "two/picture"]),
        ({"category": "image-to-video"}, ["one/image"]),
        ({"category": "text-to-image"}, ["paint", "two/picture"]),
        ({"text": "IMAGE"}, ["one/image"]),
        ({"limit": 0}, []),
        ({"offset": 4, "limit": 2}, ["two/picture"]),
        ({"offset": 99}, []),
    ],
)
def test_query_selects(query: dict[str, Any], selected: list[str]) -> None:
    assert names(**query) == selected


def test_pages_contain_each_model_once() -> None:
    found: list[str] = []
    offset: int | None = 0
    while offset is not None:
        page = select_models(CATALOG, ModelQuery(offset=offset, limit=2))
        found += [model.view.name for model in page.models]
        offset = page.next_offset
    assert found == names()


def test_model_view_finds_models_and_aliases() -> None:
    assert model_view(CATALOG, "sora").alias
    assert model_view(CATALOG, "one/text").alias is None
    with pytest.raises(NotFound, match=r"unknown model: 'one/txt' .*similar: one/text") as refused:
        model_view(CATALOG, "one/txt")
    assert (refused.value.param, refused.value.error_code) == ("model", "model_not_found")


def test_details_of_a_very_large_catalog_are_left_out() -> None:
    options = {f"option_{number}": {"type": "string"} for number in range(60)}
    models = [{**TEXT, "name": f"one/model-{n}", "options": options} for n in range(2000)]
    page = select_models(catalog_of(*models), ModelQuery())
    assert len(page.models) == 2000
    assert page.models[0].details == {"modality": "video"}
    small = select_models(catalog_of(*models[:500]), ModelQuery())
    assert "options" in small.models[0].details
    assert len(json.dumps([model.details for model in small.models])) <= MAX_DETAIL_BYTES


def test_number_of_models_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_list, "MAX_MODELS", 2)
    page = select_models(CATALOG, ModelQuery(limit=50))
    assert (len(page.models), page.next_offset) == (2, 2)


def test_cursor_is_an_offset() -> None:
    assert [read_offset(text, "cursor") for text in (None, "", "0", "150")] == [0, 0, 0, 150]


@pytest.mark.parametrize("cursor", ["-1", "x", "1e3", "\u0661", "9" * 6, " 1"])
def test_other_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(UnknownCursor, match="after: unknown cursor") as refused:
        read_offset(cursor, "after")
    assert refused.value.param == "after"
