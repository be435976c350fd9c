"""Models and aliases of the catalog in a model list, and their selection by a client's query."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import to_json

from rushes.catalog.model_entry import ModelEntry
from rushes.catalog.models import Alias, Catalog
from rushes.dialects.model_details import alias_details, category, model_details
from rushes.errors import NotFound, UnknownCursor, UnknownModel

MAX_DETAIL_BYTES = 3 * 1024 * 1024
"""Of a response, which Lambda limits to 6 MB; beyond it the details of the models are left out."""
MAX_MODELS = 10_000
"""Of a response."""
CREATED = 0
"""OpenAI's and Together's formats require the time of a model's creation, which is unknown."""


@dataclass(frozen=True)
class ModelView:
    """A name that clients may use: of a model, or an alias of one or several."""

    name: str
    entry: ModelEntry
    """The model, or the first one of the alias."""
    alias: Alias | None = None
    aliases: tuple[str, ...] = ()
    """Aliases of the model."""

    @property
    def owner(self) -> str:
        return self.entry.provider

    @property
    def category(self) -> str:
        return category(self.entry)

    def details(self) -> dict[str, Any]:
        if self.alias:
            return alias_details(self.alias, self.entry)
        return model_details(self.entry, self.aliases)

    def summary(self) -> dict[str, Any]:
        return {"modality": self.entry.modality}


@dataclass(frozen=True)
class ModelQuery:
    """Selection of models. None and an empty tuple select all."""

    names: tuple[str, ...] = ()
    provider: str | None = None
    category: str | None = None
    text: str | None = None
    """Part of a name, in any case."""
    offset: int = 0
    limit: int = MAX_MODELS

    def selects(self, view: ModelView) -> bool:
        return (
            (not self.names or view.name in self.names)
            and self.provider in (None, view.owner)
            and self.category in (None, view.category)
            and (self.text or "").lower() in view.name.lower()
        )


@dataclass(frozen=True)
class ListedModel:
    """A model with its fields beyond those of the vendor's format."""

    view: ModelView
    details: dict[str, Any]


@dataclass(frozen=True)
class ModelPage:
    models: tuple[ListedModel, ...]
    next_offset: int | None = None
    """Of the next page; None on the last one."""


def read_offset(cursor: str | None, param: str) -> int:
    """Read a cursor, the decimal offset of a page."""
    if not cursor:
        return 0
    if not re.fullmatch(r"[0-9]{1,5}", cursor):
        raise UnknownCursor(f"{param}: unknown cursor", param=param)
    return int(cursor)


def model_views(catalog: Catalog) -> Iterator[ModelView]:
    """Yield the aliases, then the models, in the order of the configuration."""
    for name in catalog.aliases:
        yield _view_of_alias(catalog, name)
    aliases = _aliases_by_model(catalog)
    for entry in catalog.models:
        yield _view_of_model(entry, aliases)


def model_view(catalog: Catalog, name: str) -> ModelView:
    """Return the model or alias of that name.

    Raises
    ------
    NotFound
    """
    try:
        entry = catalog.find(name)
    except UnknownModel as error:
        raise NotFound(error.message, param="model", code=error.error_code) from None
    if name in catalog.aliases:
        return _view_of_alias(catalog, name)
    return _view_of_model(entry, _aliases_by_model(catalog))


def _view_of_alias(catalog: Catalog, name: str) -> ModelView:
    return ModelView(name, catalog.find(name), catalog.aliases[name])


def _view_of_model(entry: ModelEntry, aliases: Mapping[str, Sequence[str]]) -> ModelView:
    return ModelView(entry.name, entry, None, tuple(aliases.get(entry.name, ())))


def _aliases_by_model(catalog: Catalog) -> dict[str, list[str]]:
    aliases: dict[str, list[str]] = {}
    for name, alias in catalog.aliases.items():
        for model in alias.models:
            aliases.setdefault(model, []).append(name)
    return aliases


def select_models(catalog: Catalog, query: ModelQuery) -> ModelPage:
    """Return a page of the selected models, without their details if those are too long."""
    selected = [view for view in model_views(catalog) if query.selects(view)]
    end = query.offset + min(query.limit, MAX_MODELS)
    page = selected[query.offset : end]
    details = [view.details() for view in page]
    if len(to_json(details)) > MAX_DETAIL_BYTES:
        details = [view.summary() for view in page]
    models = map(ListedModel, page, details)
    return ModelPage(tuple(models), end if end < len(selected) else None)
