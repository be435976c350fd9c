"""Models and aliases of the configuration in force."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, Field

from rushes.api.native.resource import Call, EmptyBody, EmptyQuery, Route
from rushes.api.native.schemas import model as schemas
from rushes.api.native.schemas.shared import Page
from rushes.api.native.services import NativeServices
from rushes.catalog.model_entry import Modality, ModelEntry
from rushes.catalog.models import Catalog
from rushes.dialects.model_details import MAX_SECONDS_LISTED, category
from rushes.dialects.model_list import ModelView, model_view, model_views, read_offset
from rushes.errors import InvalidRequest
from rushes.ports.api_keys import Scope

MAX_PAGE_BYTES = 3 * 1024 * 1024
"""Of a response, which Lambda limits to 6 MB."""


class ModelQuery(BaseModel):
    """Filters of the models; all must match."""

    modality: Annotated[Modality | None, Field(description="Of the result.")] = None
    provider: Annotated[str | None, Field(description="Name of a provider.")] = None
    text: Annotated[
        str | None, Field(max_length=200, description="Part of a name, in any case.")
    ] = None
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    cursor: Annotated[str | None, Field(description="`next_cursor` of the page before.")] = None

    def selects(self, view: ModelView) -> bool:
        return (
            self.modality in (None, view.entry.modality)
            and self.provider in (None, view.owner)
            and (self.text or "").lower() in view.name.lower()
        )


class ModelPage(Page[schemas.Model]):
    """A page of models; the aliases come first."""


def list_models(services: NativeServices, call: Call[EmptyBody, ModelQuery]) -> ModelPage:
    catalog, query = services.catalogs.current().catalog, call.query
    _check_provider(catalog, query.provider)
    begin = read_offset(query.cursor, "cursor")
    selected = [view for view in model_views(catalog) if query.selects(view)]
    models = _fitting(selected[begin : begin + query.limit])
    end = begin + len(models)
    return ModelPage(data=models, next_cursor=str(end) if end < len(selected) else None)


def retrieve(services: NativeServices, call: Call[EmptyBody, EmptyQuery]) -> schemas.Model:
    catalog = services.catalogs.current().catalog
    return serialize_model(model_view(catalog, call.variables["name"]))


def serialize_model(view: ModelView) -> schemas.Model:
    entry, alias = view.entry, view.alias
    return schemas.Model(
        name=view.name,
        modality=entry.modality,
        provider=view.owner,
        category=category(entry),
        models=list(alias.models) if alias else [],
        on_mismatch=alias.on_mismatch if alias else "refuse",
        aliases=list(view.aliases),
        inputs=list(entry.inputs),
        required_inputs=list(entry.needs),
        max_references=entry.max_references,
        max_input_seconds=entry.max_input_seconds,
        requires_prompt=entry.needs_prompt,
        prompt_characters=entry.prompt_characters,
        seconds=_seconds(entry.seconds),
        sizes=list(entry.sizes),
        resolutions=list(entry.resolutions),
        aspect_ratios=list(entry.aspect_ratios),
        options=_options(entry),
        arguments=sorted(entry.arguments),
        rules=[rule.model_dump(mode="json", exclude_defaults=True) for rule in entry.rules],
        prices=_prices(entry),
        price_source=entry.price_source,
        price_date=entry.price_date,
        price_unknown=entry.price_unknown,
        typical_seconds=entry.typical_seconds,
        deadline_seconds=entry.deadline_seconds,
    )


def _fitting(views: Sequence[ModelView]) -> list[schemas.Model]:
    """Return the first models whose length is within the bound, but at least one."""
    return list(_within(map(serialize_model, views), MAX_PAGE_BYTES))


def _within(models: Iterator[schemas.Model], size: int) -> Iterator[schemas.Model]:
    for number, model in enumerate(models):
        size -= len(model.model_dump_json())
        if size < 0 and number:
            return
        yield model


def _seconds(seconds: Sequence[int]) -> list[int] | schemas.SecondsRange:
    if len(seconds) <= MAX_SECONDS_LISTED:
        return list(seconds)
    return schemas.SecondsRange(min=min(seconds), max=max(seconds), default=seconds[0])


def _options(entry: ModelEntry) -> list[schemas.Option]:
    return [
        schemas.Option(
            name=name,
            type=option.type,
            allowed=list(option.values),
            minimum=option.min,
            maximum=option.max,
            required=option.required,
            default=option.default,
        )
        for name, option in entry.options.items()
    ]


def _prices(entry: ModelEntry) -> list[dict[str, Any]]:
    rows = (row.model_dump(mode="json", exclude_defaults=True) for row in entry.price_rows)
    return [row for row in rows if row]


def _check_provider(catalog: Catalog, name: str | None) -> None:
    if name is not None and name not in catalog.providers:
        known = sorted(catalog.providers)
        raise InvalidRequest(
            f"provider must be one of {', '.join(known)} (got {name[:80]})",
            param="provider",
            allowed=known,
        )


ROUTES = (
    Route(
        "GET", "/models", Scope.READ, list_models, "models.list",
        "List the models and aliases", ModelPage, query=ModelQuery,
    ),
    Route(
        "GET", "/models/<path:name>", Scope.READ, retrieve, "models.retrieve",
        "Retrieve a model or an alias", schemas.Model,
    ),
)  # fmt: skip
