"""Read query parameters: each is honoured, or refused by name."""

import re
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin
from urllib.parse import parse_qsl

from pydantic import BaseModel

from rushes.dialects.base import HttpRequest
from rushes.dialects.validation import validate
from rushes.errors import InvalidRequest

MAX_PARAMETERS = 100
MEMBER = re.compile(r"(\w+)\[([^\[\]]*)\]")
"""A parameter that is one member of an object, such as `tags[team]=ads`."""

Query = TypeVar("Query", bound=BaseModel)


def read_query(request: HttpRequest, schema: type[Query]) -> Query:
    """Return the parameters as a model. A tuple field may be repeated, a dict field has members.

    Raises
    ------
    InvalidRequest
        If a parameter is unknown, empty, invalid, or repeated without being a list.
    """
    kinds = {
        field.alias or name: _kind(field.annotation) for name, field in schema.model_fields.items()
    }
    values: dict[str, Any] = {}
    for raw_name, value in _parameters(request):
        member = MEMBER.fullmatch(raw_name)
        name = member[1] if member and kinds.get(member[1]) is dict else raw_name
        if name not in kinds:
            names = sorted(kinds)
            raise InvalidRequest(
                f"{name[:80]} is not supported"
                f" (query parameters of this URL: {', '.join(names) or 'none'})",
                param=name[:80],
                kind="unknown_query_parameter",
            )
        if not value:
            raise InvalidRequest(f"{raw_name[:80]} must not be empty", param=raw_name[:80])
        if "\0" in value:
            raise InvalidRequest(f"{raw_name[:80]} must not contain NUL", param=raw_name[:80])
        _add(values, name, value, kinds[name], member[2] if member else None)
    try:
        return validate(schema, values)
    except InvalidRequest as error:
        raise _of_parameter(error) from None


def _of_parameter(error: InvalidRequest) -> InvalidRequest:
    """Return the error with the parameter's name in place of a list's or an object's member."""
    path = error.param or ""
    name, dot, member = path.partition(".")
    if not dot:
        return error
    own = name if member.isdecimal() else f"{name}[{member}]"
    message = error.message.replace(path, own, 1)
    return InvalidRequest(message, param=own, kind=error.kind, allowed=error.allowed)


def _add(values: dict[str, Any], name: str, value: str, kind: Any, member: str | None) -> None:  # noqa: ANN401 - a type or its origin
    if kind is tuple:
        values.setdefault(name, []).append(value)
        return
    if kind is dict:
        if member is None:
            raise InvalidRequest(f"{name} must be given as {name}[name]=value", param=name)
        members = values.setdefault(name, {})
        if member in members:
            raise InvalidRequest(f"{name}[{member[:80]}] is given twice", param=name)
        members[member] = value
        return
    if name in values:
        raise InvalidRequest(f"{name} is given twice", param=name)
    values[name] = value


def _parameters(request: HttpRequest) -> list[tuple[str, str]]:
    """Return the parameters in their order; API Gateway's own form joins repeated ones."""
    if not request.raw_query:
        return list(request.query.items())
    try:
        return parse_qsl(
            request.raw_query,
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MAX_PARAMETERS,
        )
    except UnicodeDecodeError:
        raise InvalidRequest("query must be valid UTF-8", param="query") from None
    except ValueError:
        raise InvalidRequest(
            f"query must have at most {MAX_PARAMETERS} parameters", param="query"
        ) from None


def _kind(annotation: Any) -> Any:  # noqa: ANN401 - any type
    """Return tuple, dict, or the type itself, also of an optional or annotated one."""
    if get_origin(annotation) is Annotated:
        return _kind(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return _kind(next(part for part in get_args(annotation) if part is not type(None)))
    return get_origin(annotation) or annotation
