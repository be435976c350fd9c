"""fal's model list (`GET /v1/models` of its Platform API)."""

from typing import Any

from pydantic import Field

from rushes.dialects.base import HttpRequest
from rushes.dialects.model_list import ListedModel, ModelPage, ModelQuery, read_offset
from rushes.dialects.validation import StrictModel, validate


class _Query(StrictModel):
    """API Gateway joins the values of a repeated parameter by commas."""

    limit: int = Field(default=50, ge=1, le=1000)
    cursor: str | None = None
    endpoint_id: str | None = None
    q: str | None = None
    category: str | None = None


MODEL_QUERY_NAMES = frozenset(_Query.model_fields)


def read_model_query(request: HttpRequest) -> ModelQuery:
    query = validate(_Query, request.query)
    return ModelQuery(
        names=tuple(filter(None, (query.endpoint_id or "").split(","))),
        category=query.category,
        text=query.q,
        offset=read_offset(query.cursor, "cursor"),
        limit=query.limit,
    )


def model_page(page: ModelPage) -> dict[str, Any]:
    following = page.next_offset
    return {
        "models": [_model(model) for model in page.models],
        "next_cursor": None if following is None else str(following),
        "has_more": following is not None,
    }


def _model(model: ListedModel) -> dict[str, Any]:
    """Serialize fal's fields that the catalog knows; `metadata` is optional, too."""
    metadata = {
        "display_name": model.view.name,
        "category": model.view.category,
        "status": "active",
        "tags": [],
    }
    return {"endpoint_id": model.view.name, "metadata": metadata, **model.details}
