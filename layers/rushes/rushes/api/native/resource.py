"""Routes of the native API as data: method, path, scope, schemas and handler."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel

from rushes.api.auth import Identity
from rushes.api.native.services import NativeServices
from rushes.api.request_log import RequestLog
from rushes.dialects.base import HttpRequest, HttpResponse
from rushes.dialects.response_headers import NO_STORE_HEADERS
from rushes.dialects.validation import StrictModel
from rushes.ports.api_keys import Scope

PREFIX = "/rushes/v1"
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


class EmptyQuery(BaseModel):
    """A URL without query parameters."""


class EmptyBody(StrictModel):
    """A request without a body, or with an empty object."""


Body_co = TypeVar("Body_co", bound=BaseModel, covariant=True)
Query_co = TypeVar("Query_co", bound=BaseModel, covariant=True)


@dataclass(frozen=True)
class Call(Generic[Body_co, Query_co]):
    """An authenticated request whose body and query are valid.

    `variables` are the parts of the URL, decoded.
    """

    identity: Identity
    request: HttpRequest
    variables: Mapping[str, str]
    body: Body_co
    query: Query_co
    log: RequestLog

    @property
    def account(self) -> str:
        return self.identity.account


Result = BaseModel | dict[str, Any] | HttpResponse
"""A model or an object is the JSON body of a response with the route's status."""
Handler = Callable[[NativeServices, Call[Any, Any]], Result]


@dataclass(frozen=True)
class Route:
    """`path` follows `PREFIX`, with variables in angle brackets.

    `<path:name>` matches several segments. `name` is the operation's id: resource and verb, such as
    `jobs.list`. `response` is None for a response without a body.
    """

    method: Method
    path: str
    scope: Scope
    handler: Handler
    name: str
    summary: str
    response: type[BaseModel] | None
    body: type[BaseModel] = EmptyBody
    query: type[BaseModel] = EmptyQuery
    status: int = 200
    has_secret: bool = False
    """Whether the response contains a secret on purpose, which is otherwise redacted."""
    is_idempotent: bool = False
    """Whether the header `Idempotency-Key` is read."""
    creates_job: bool = False
    """Whether the response has the headers that report the limits of create calls."""
    also: Mapping[int, type[BaseModel]] = field(default_factory=dict)
    """Further statuses of success, with their bodies."""
    text_types: tuple[str, ...] = ()
    """Content types besides JSON in which a client may ask for the response, such as text/csv."""


def json_response(
    body: BaseModel, status: int = 200, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    """Return a response with further headers, or with a status that depends on the request."""
    return HttpResponse(status, body.model_dump_json(), {**NO_STORE_HEADERS, **(headers or {})})
