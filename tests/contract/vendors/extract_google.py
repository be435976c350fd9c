"""Write published/google.json: the types of the Interactions API in the package google-genai.

Run `python -m tests.contract.vendors.extract_google [file]`.

The package accepts unknown values of enumerations and unknown tables; the schema does not.
"""

import inspect
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import typing_extensions

from tests.contract.vendors.published_files import write
from tests.contract.vendors.typed_dicts import PLAIN, Schema

PACKAGE = "google-genai"
TYPES = "google.genai._gaos.types"
PATH = "/{api_version}/interactions"
FIELDS = (
    *("model", "background", "input", "response_format", "generation_config"),
    *("previous_interaction_id", "service_tier", "store", "stream"),
)
"""Of a create call; the others, such as tools, are of no use for media."""


WRAPPERS = (Annotated, typing_extensions.Required, typing_extensions.NotRequired)


class Definitions:
    """Schemas of TypedDicts by their names."""

    def __init__(self) -> None:
        self.schemas: dict[str, Schema] = {}

    def schema_of(self, annotation: Any) -> Schema:
        annotation = _unwrapped(annotation)
        if annotation in PLAIN:
            return dict(PLAIN[annotation])
        if typing_extensions.is_typeddict(annotation):
            return self._reference(annotation)
        return self._generic(annotation, get_args(annotation))

    def _generic(self, annotation: Any, members: tuple[Any, ...]) -> Schema:
        origin = get_origin(annotation)
        if origin is Literal:
            return {"enum": list(members)}
        if origin is Union:
            return self._union(members)
        if origin is list:
            return {"type": "array", "items": self.schema_of(members[0])}
        if origin is dict:
            return {"type": "object"}
        raise TypeError(f"no schema for {annotation!r}")

    def _union(self, members: tuple[Any, ...]) -> Schema:
        """Leave out the members that accept anything beside the typed ones."""
        closed = [member for member in members if not _is_open(member)]
        schemas = [self.schema_of(member) for member in closed]
        return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}

    def _reference(self, typed_dict: Any) -> Schema:
        name = typed_dict.__name__
        if name not in self.schemas:
            self.schemas[name] = {}  # the type may contain itself
            self.schemas[name] = self.object_of(typed_dict)
        return {"$ref": f"#/$defs/{name}"}

    def object_of(self, typed_dict: Any, fields: tuple[str, ...] | None = None) -> Schema:
        hints = get_type_hints(typed_dict, include_extras=True)
        chosen = {name: hint for name, hint in hints.items() if fields is None or name in fields}
        return {
            "type": "object",
            "properties": {name: self.schema_of(hint) for name, hint in chosen.items()},
            "required": [name for name, hint in chosen.items() if not _is_optional(hint)],
            "additionalProperties": False,
        }


def _unwrapped(annotation: Any) -> Any:
    """Return the type itself of an alias, or with a mark such as `NotRequired`."""
    if isinstance(annotation, typing_extensions.TypeAliasType):
        return _unwrapped(annotation.__value__)
    if get_origin(annotation) in WRAPPERS:
        return _unwrapped(get_args(annotation)[0])
    return annotation


def _is_open(member: Any) -> bool:
    """Whether a type of a union is text of any content, a file to read, or any table."""
    name = getattr(member, "__name__", "")
    return name in {"UnrecognizedStr", "IO", "PathLike"} or get_origin(member) is dict


def _is_optional(hint: Any) -> bool:
    return get_origin(hint) is typing_extensions.NotRequired


def statuses() -> list[str]:
    module = import_module(f"{TYPES}.interactions.interaction")
    (literal, _) = get_args(module.InteractionStatus)
    return list(get_args(literal))


def offers_veo() -> bool:
    """Whether the package creates Veo operations of the Gemini API, not only of Vertex AI."""
    models = import_module("google.genai.models")
    return "_to_mldev" in inspect.getsource(models.Models._generate_videos)


def main() -> None:
    definitions = Definitions()
    module = import_module(f"{TYPES}.interactions.createmodelinteraction")
    request = definitions.object_of(module.CreateModelInteractionParam, FIELDS)
    source = inspect.getsource(import_module("google.genai._gaos.interactions"))
    if f'"{PATH}"' not in source:
        raise LookupError(f"{PACKAGE} does not call {PATH}")
    document = {
        "package": PACKAGE,
        "version": version(PACKAGE),
        "path": PATH,
        "statuses": statuses(),
        "veo": offers_veo(),
        "request": request,
        "$defs": dict(sorted(definitions.schemas.items())),
    }
    write("google", document)


if __name__ == "__main__":
    main()
