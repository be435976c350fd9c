"""OpenAI's model list, which Bifrost's API and the clients of many gateways share."""

from typing import Any
from urllib.parse import unquote

from rushes.dialects.base import ANY_NAME, HttpRequest, Route
from rushes.dialects.model_list import CREATED, ListedModel, ModelPage


def model_routes(prefix: str) -> tuple[Route, ...]:
    return Route("GET", prefix, "models"), Route("GET", f"{prefix}/{ANY_NAME}", "model")


def read_model_name(request: HttpRequest) -> str:
    """Read the name, whose slashes a client may have encoded."""
    return unquote(request.path.partition("/models/")[2])


def model_object(model: ListedModel) -> dict[str, Any]:
    owner = model.view.owner
    published = {"id": model.view.name, "object": "model", "created": CREATED, "owned_by": owner}
    return {**published, **model.details}


def model_list(page: ModelPage) -> dict[str, Any]:
    return {"object": "list", "data": [model_object(model) for model in page.models]}
