"""Documents of published configurations in the bucket: one per version, and the pointer."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, cast, overload

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from typing_extensions import override

from rushes.catalog.event_options import EventOptions
from rushes.catalog.limits import Limits
from rushes.catalog.model_entry import ModelEntry
from rushes.catalog.models import Alias, Catalog
from rushes.catalog.provider_config import ProviderEntry
from rushes.errors import CorruptConfig
from rushes.json_parser import parse_json

Number = Annotated[int, Field(ge=1)]
MAX_VALUES = 1_000_000
"""In a document; all models of all vendors have 50,000."""
OLD_FIELDS = frozenset({"queue_seconds"})
"""Names of fields of a model in versions that earlier releases published."""


class ConfigPointer(BaseModel):
    """Names the version in force. Times are seconds since 1970."""

    model_config = ConfigDict(frozen=True)

    version: Number
    sha256: str
    """Of the version's document."""
    published_at: float
    published_by: str = ""


class PublishedConfig(BaseModel):
    """A version. Unknown fields of a newer release are ignored."""

    model_config = ConfigDict(frozen=True)

    version: Number
    published_at: float
    published_by: str = ""
    note: str = ""
    replaces: int | None = None
    """Version that was in force before, if that is known."""
    source: str
    """Text of rushes.toml."""
    catalog: Catalog


class _Tables(BaseModel):
    """A catalog whose models are not validated."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    default_model: str
    providers: dict[str, ProviderEntry]
    aliases: dict[str, Alias] = {}
    models: list[dict[str, Any]]
    limits: Limits = Limits()
    events: EventOptions = EventOptions()


class _Document(BaseModel):
    version: Number
    catalog: _Tables


class _Entries(Mapping[str, ModelEntry]):
    """Models by name. The validation of one takes 70 µs, of all vendors' models 50 ms."""

    def __init__(self, tables: Sequence[Mapping[str, Any]], number: int) -> None:
        self._tables = {str(table["name"]): table for table in tables}
        self._number = number
        self._validated: dict[str, ModelEntry] = {}

    @override
    def __getitem__(self, name: str) -> ModelEntry:
        if name not in self._validated:
            try:
                self._validated[name] = ModelEntry.model_validate(self._tables[name])
            except ValidationError as error:
                reason = f"version {self._number} is invalid: model {name!r}: {_first(error)}"
                raise CorruptConfig(reason) from None
        return self._validated[name]

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    @override
    def __len__(self) -> int:
        return len(self._tables)


class _Models(Sequence[ModelEntry]):
    """The same models in their order."""

    def __init__(self, entries: _Entries) -> None:
        self.entries = entries
        self._names = list(entries)

    @overload
    def __getitem__(self, place: int) -> ModelEntry: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[ModelEntry]: ...
    @override
    def __getitem__(self, place: int | slice) -> ModelEntry | Sequence[ModelEntry]:
        if isinstance(place, slice):
            return [self.entries[name] for name in self._names[place]]
        return self.entries[self._names[place]]

    @override
    def __len__(self) -> int:
        return len(self._names)


class LazyCatalog(Catalog):
    """A catalog that was validated when it was published."""

    @override
    def entries(self) -> Mapping[str, ModelEntry]:
        return cast("_Models", self.models).entries


def _lazy(tables: _Tables, number: int) -> Catalog:
    known = {*ModelEntry.model_fields, *OLD_FIELDS}
    unknown = {field for table in tables.models for field in table} - known
    if unknown:  # a newer release published it
        raise CorruptConfig(f"version {number} is invalid: models have unknown {min(unknown)!r}")
    if any(not isinstance(table.get("name"), str) for table in tables.models):
        raise CorruptConfig(f"version {number} is invalid: a model has no name")
    return LazyCatalog.model_construct(
        default_model=tables.default_model,
        providers=tables.providers,
        aliases=tables.aliases,
        models=cast("tuple[ModelEntry, ...]", _Models(_Entries(tables.models, number))),
        limits=tables.limits,
        events=tables.events,
    )


def parse_pointer(content: bytes) -> ConfigPointer:
    """Parse a pointer.

    Raises
    ------
    CorruptConfig
    """
    try:
        return ConfigPointer.model_validate_json(content)
    except ValidationError as error:
        raise CorruptConfig(f"the pointer is invalid: {_first(error)}") from None


def parse_config(content: bytes, number: int, sha256: str | None = None) -> PublishedConfig:
    """Parse the document of a version; compare its digest if the pointer's is given.

    Raises
    ------
    CorruptConfig
    """
    _check_digest(content, number, sha256)
    try:
        config = PublishedConfig.model_validate_json(content)
    except ValidationError as error:
        raise CorruptConfig(f"version {number} is invalid: {_first(error)}") from None
    _check_number(config.version, number)
    return config


def parse_catalog(content: bytes, number: int, sha256: str | None = None) -> Catalog:
    """Parse the catalog of a version for a function, which validates a model at its first use.

    Raises
    ------
    CorruptConfig
    """
    _check_digest(content, number, sha256)
    try:
        document = _Document.model_validate(parse_json(content, MAX_VALUES))
    except ValueError as error:
        reason = _first(error) if isinstance(error, ValidationError) else "it is not JSON"
        raise CorruptConfig(f"version {number} is invalid: {reason}") from None
    _check_number(document.version, number)
    return _lazy(document.catalog, number)


def _check_digest(content: bytes, number: int, sha256: str | None) -> None:
    if sha256 is not None and digest(content) != sha256:
        raise CorruptConfig(f"version {number} does not have the SHA-256 of the pointer")


def _check_number(found: int, number: int) -> None:
    if found != number:
        raise CorruptConfig(f"the object of version {number} has version {found}")


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _first(error: ValidationError) -> str:
    details = error.errors(include_url=False, include_input=False)[0]
    path = ".".join(str(step) for step in details["loc"])
    return f"{path}: {details['msg']}" if path else details["msg"]
