"""Publish configurations: a new version for each push and each rollback."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from pydantic import BaseModel, ValidationError

from cli.config_errors import compile_checked
from rushes.aws.config_store import ConfigStore, StoredPointer
from rushes.catalog.models import Catalog, built_in_catalog
from rushes.catalog.published_config import ConfigPointer, PublishedConfig
from rushes.catalog.source import BUILT_IN, CatalogVersion
from rushes.errors import AwsUnavailable, CorruptConfig, WriteConflict


class PublicationConflict(Exception):
    """Another publication came first."""


@dataclass(frozen=True)
class Published:
    """The version in force. `is_new`: it was published by this call."""

    number: int
    is_new: bool


@dataclass(frozen=True)
class Entry:
    """A line of the history; `error` is the reason if the version cannot be read."""

    number: int
    in_force: bool
    published_at: float | None = None
    published_by: str = ""
    note: str = ""
    models: int | None = None
    error: str = ""


class _Heading(BaseModel):
    """Fields of the history. They are read without the catalog, which may be unreadable."""

    published_at: float
    published_by: str = ""
    note: str = ""
    replaces: int | None = None
    source: str


@dataclass(frozen=True)
class Publisher:
    store: ConfigStore
    published_by: str
    clock: Callable[[], float] = time.time
    record: Callable[[str, int], None] = lambda _action, _number: None
    """Adds a publication to the audit log, before its version is in force."""

    def current(self) -> CatalogVersion:
        """Return the version in force.

        Raises
        ------
        CorruptConfig
        """
        stored = self.store.pointer()
        if stored is None:
            return CatalogVersion(BUILT_IN, built_in_catalog())
        config = self.store.read(stored.pointer.version, stored.pointer.sha256)
        return CatalogVersion(config.version, config.catalog)

    def push(self, text: str, note: str = "") -> Published:
        """Publish a configuration, unless it is the one in force.

        Raises
        ------
        InvalidConfig
        PublicationConflict
        """
        compiled = compile_checked(text)
        stored = self._pointer()
        if isinstance(stored, StoredPointer) and self._is_in_force(stored, text, compiled):
            return Published(stored.pointer.version, is_new=False)
        return self._publish(stored, text, compiled, note)

    def rollback(self, number: int | None = None) -> tuple[int, Published]:
        """Publish an earlier version again, by default the one that was in force before.

        Return its number with the new version.

        Raises
        ------
        CorruptConfig
        PublicationConflict
        """
        stored = self._pointer()
        if number is None:
            number = self._previous(stored)
        config = self.store.read(number)
        note = f"rollback to version {number}"
        published = self._publish(stored, config.source, config.catalog, note, "config.rollback")
        return number, published

    def source(self, number: int) -> str:
        """Return the text of rushes.toml of a version."""
        return self._heading(number).source

    def history(self, limit: int) -> Iterator[Entry]:
        """Yield the newest versions."""
        stored = self._pointer()
        in_force = stored.pointer.version if isinstance(stored, StoredPointer) else None
        for number in self.store.numbers()[:limit]:
            yield self._entry(number, in_force=number == in_force)

    def _entry(self, number: int, *, in_force: bool) -> Entry:
        try:
            heading = self._heading(number)
        except CorruptConfig as error:
            return Entry(number, in_force, error=error.message)
        entry = Entry(number, in_force, heading.published_at, heading.published_by, heading.note)
        try:
            models = len(self.store.read(number).catalog.models)
        except CorruptConfig as error:
            return Entry(**{**vars(entry), "error": error.message})
        return Entry(**{**vars(entry), "models": models})

    def _heading(self, number: int) -> _Heading:
        try:
            return _Heading.model_validate_json(self.store.content(number))
        except ValidationError:
            raise CorruptConfig(f"version {number} cannot be read") from None

    def _pointer(self) -> StoredPointer | str | None:
        """Return the pointer, or only its ETag if it is corrupt: a push repairs it."""
        try:
            return self.store.pointer()
        except CorruptConfig:
            return self.store.pointer_etag()

    def _is_in_force(self, stored: StoredPointer, text: str, compiled: Catalog) -> bool:
        try:
            config = self.store.read(stored.pointer.version, stored.pointer.sha256)
        except CorruptConfig:
            return False
        return config.source == text and config.catalog == compiled

    def _previous(self, stored: StoredPointer | str | None) -> int:
        if not isinstance(stored, StoredPointer):
            raise CorruptConfig("no version is in force; name the one to publish again")
        current = stored.pointer.version
        with suppress(CorruptConfig):  # then the newest earlier one, which a push may have left
            if replaced := self._heading(current).replaces:
                return replaced
        earlier = [number for number in self.store.numbers() if number < current]
        if not earlier:
            raise CorruptConfig(f"there is no version before {current}")
        return earlier[0]

    def _publish(
        self,
        stored: StoredPointer | str | None,
        text: str,
        compiled: Catalog,
        note: str,
        action: str = "config.publish",
    ) -> Published:
        number = self._next_number(stored)
        config = PublishedConfig(
            version=number,
            published_at=self.clock(),
            published_by=self.published_by,
            note=note,
            replaces=stored.pointer.version if isinstance(stored, StoredPointer) else None,
            source=text,
            catalog=compiled,
        )
        etag = stored.etag if isinstance(stored, StoredPointer) else stored
        try:
            pointer = self.store.add(config)
            self.record(action, number)
            self._move(pointer, etag)
        except WriteConflict:
            raise PublicationConflict(
                "another configuration was published at the same time, and yours was not:"
                " compare with `rushes config diff`, then push again"
            ) from None
        return Published(number, is_new=True)

    def _move(self, pointer: ConfigPointer, etag: str | None) -> None:
        try:
            self.store.move_pointer(pointer, etag)
        except WriteConflict:
            with suppress(AwsUnavailable):  # a version that no pointer names has no effect
                self.store.discard(pointer.version)
            raise

    def _next_number(self, stored: StoredPointer | str | None) -> int:
        """Return a number above those of all versions, also of pushes that were interrupted."""
        newest = stored.pointer.version if isinstance(stored, StoredPointer) else 0
        return max([newest, *self.store.numbers()[:1]]) + 1
