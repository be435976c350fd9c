"""JSON Schema of the request types of SDKs that are TypedDicts, such as those that Stainless makes.

Property names are those on the wire: the alias, if a field has one.
"""

import types
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import typing_extensions

Schema = dict[str, Any]

PLAIN: dict[Any, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    type(None): {"type": "null"},
    object: {},
    Any: {},
}
MARKS = (typing_extensions.Required, typing_extensions.NotRequired)


def schema_of(annotation: Any) -> Schema:
    """Return the schema of a type, with nested types in place.

    Raises
    ------
    TypeError
        If the kind of type is unknown.
    """
    if annotation in PLAIN:
        return dict(PLAIN[annotation])
    if typing_extensions.is_typeddict(annotation):
        return _object(annotation)
    make = GENERIC.get(get_origin(annotation))
    if make is None:
        raise TypeError(f"no schema for {annotation!r}")
    return make(get_args(annotation))


def members_of(union: Any) -> list[Any]:
    """Return the types of a union, or the type itself."""
    if get_origin(union) is Annotated:
        return members_of(get_args(union)[0])
    return list(get_args(union)) if get_origin(union) in (Union, types.UnionType) else [union]


def _object(typed_dict: Any) -> Schema:
    hints = get_type_hints(typed_dict, include_extras=True)
    properties = {_alias(name, hint): schema_of(hint) for name, hint in hints.items()}
    required = [_alias(name, hint) for name, hint in hints.items() if _is_required(hint)]
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _is_required(hint: Any) -> bool:
    return get_origin(hint) is typing_extensions.Required


def _alias(name: str, hint: Any) -> str:
    """Return the `alias` of an `Annotated[..., PropertyInfo(alias=...)]`, or the name."""
    if get_origin(hint) in MARKS:
        return _alias(name, get_args(hint)[0])
    details = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
    return next((alias for detail in details if (alias := getattr(detail, "alias", None))), name)


def _array(members: tuple[Any, ...]) -> Schema:
    return {"type": "array", "items": schema_of(members[0])}


def _any_of(members: tuple[Any, ...]) -> Schema:
    return {"anyOf": [schema_of(member) for member in members]}


GENERIC: dict[Any, Callable[[tuple[Any, ...]], Schema]] = {
    **dict.fromkeys((Annotated, *MARKS), lambda members: schema_of(members[0])),
    **dict.fromkeys((Literal, typing_extensions.Literal), lambda members: {"enum": [*members]}),
    **dict.fromkeys((Union, types.UnionType), _any_of),
    **dict.fromkeys((Iterable, Sequence, list), _array),
    dict: lambda members: {"type": "object", "additionalProperties": schema_of(members[1])},
}
"""Schemas of generic types, by their origin, from the types in brackets."""
