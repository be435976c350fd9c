"""Types and bounds of a model's options."""

import math
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from rushes.catalog.conditions import Value

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list, tuple),
    "object": (dict,),
}
_ARTICLES = {"integer": "an integer", "array": "an array", "object": "an object"}


class Option(BaseModel):
    """An optional field of a model. Without `type` any value is passed on to the provider."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["string", "integer", "number", "boolean", "array", "object"] | None = None
    values: tuple[Value, ...] = ()
    min: Annotated[float, Field(allow_inf_nan=False)] | None = None
    max: Annotated[float, Field(allow_inf_nan=False)] | None = None
    max_characters: Annotated[int, Field(ge=1)] | None = None
    required: bool = False
    default: Any = None
    """Value that the provider uses if the option is absent; rules and prices apply to it."""

    def error(self, value: object) -> str | None:
        """Return the requirement that a value violates, such as `must be an integer`."""
        if self.type and not self._has_type(value):
            return f"must be {_ARTICLES.get(self.type, f'a {self.type}')}"
        if self.values and value not in self.values:
            return f"must be one of {', '.join(map(str, self.values))}"
        if isinstance(value, int | float) and not self._is_within(value):
            return f"must be {self._bounds()}"
        if self.max_characters and isinstance(value, str) and len(value) > self.max_characters:
            return f"must have at most {self.max_characters} characters"
        return None

    def _has_type(self, value: object) -> bool:
        if isinstance(value, bool):
            return self.type == "boolean"
        return isinstance(value, _TYPES[self.type or "object"])

    def _is_within(self, value: float) -> bool:
        lower = -math.inf if self.min is None else self.min
        upper = math.inf if self.max is None else self.max
        return lower <= value <= upper

    def _bounds(self) -> str:
        if self.min is None:
            return f"at most {self.max:g}"
        if self.max is None:
            return f"at least {self.min:g}"
        return f"between {self.min:g} and {self.max:g}"
