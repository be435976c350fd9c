"""Catalogs of the published configurations, for functions: the one in force and those of jobs.

A configuration that cannot be read is reported and does not replace the one in force.
"""

from collections.abc import Callable

from aws_lambda_powertools import Logger

from rushes.aws.config_store import ConfigStore
from rushes.catalog.models import Catalog, built_in_catalog
from rushes.catalog.published_config import ConfigPointer
from rushes.catalog.source import BUILT_IN, CatalogVersion
from rushes.errors import AwsUnavailable, CorruptConfig
from rushes.jobs.job import Job
from rushes.metrics import Metric, count

REFRESH_SECONDS = 30.0
"""Seconds between two checks for a new version."""
MAX_CACHED = 4
"""Earlier versions in memory."""
NO_POINTER = "the pointer is missing"
CONFIG_NOT_READABLE = "config_not_readable"
CONFIG_VERSION_REPLACED = "config_version_replaced"

logger = Logger(service="rushes", child=True)


class PublishedCatalogs:
    """Reads at the first call that needs a catalog.

    `built_in` is in force until a configuration is published.
    """

    def __init__(
        self,
        store: ConfigStore,
        clock: Callable[[], float],
        built_in: Callable[[], Catalog] = built_in_catalog,
    ) -> None:
        self._store = store
        self._clock = clock
        self._built_in = built_in
        self._current: CatalogVersion | None = None
        self._checked_at = 0.0
        self._earlier: dict[int, Catalog | None] = {}
        """Catalogs by version; None if it cannot be read."""

    def current(self) -> CatalogVersion:
        """Return the version in force, checked at most 30 seconds ago.

        Raises
        ------
        AwsUnavailable
            If no version can be read; not after the first success.
        """
        now = self._clock()
        if self._current is None:
            self._current = self._first()
            self._checked_at = now
        elif now - self._checked_at >= REFRESH_SECONDS:
            self._checked_at = now
            self._current = self._newer(self._current)
        return self._current

    def for_job(self, job: Job) -> Catalog:
        """Return the catalog of the job's version, or the one in force if it has been lost.

        Raises
        ------
        AwsUnavailable
            Not after the first success for the same job.
        """
        number = job.config_version
        if number is None:
            return self.current().catalog
        if self._current and self._current.number == number:
            return self._current.catalog
        if number not in self._earlier:
            self._keep(number, self._find(number, job))
        return self._earlier[number] or self.current().catalog

    def _keep(self, number: int, found: Catalog | None) -> None:
        if len(self._earlier) >= MAX_CACHED:
            del self._earlier[next(iter(self._earlier))]
        self._earlier[number] = found

    def _find(self, number: int, job: Job) -> Catalog | None:
        if number == BUILT_IN:
            return self._built_in()
        try:
            return self._store.catalog(number)
        except CorruptConfig as error:
            in_force = self.current().number
            logger.warning(
                CONFIG_VERSION_REPLACED, job_id=job.id, reason=error.message, in_force=in_force
            )
            return None

    def _first(self) -> CatalogVersion:
        before, reason = None, NO_POINTER
        try:
            stored = self._store.pointer()
            if stored:
                before = stored.pointer.version
                return self._read(stored.pointer)
            if not self._store.numbers():
                return CatalogVersion(BUILT_IN, self._built_in())
        except CorruptConfig as error:
            reason = error.message
        _report(reason, "an earlier version")
        return self._newest_readable(before)

    def _newer(self, current: CatalogVersion) -> CatalogVersion:
        reason = NO_POINTER
        try:
            stored = self._store.pointer()
            if stored and stored.pointer.version != current.number:
                return self._read(stored.pointer)
            if stored or current.number == BUILT_IN:
                return current
        except (AwsUnavailable, CorruptConfig) as error:
            reason = error.message
        _report(reason, current.number)
        return current

    def _read(self, pointer: ConfigPointer) -> CatalogVersion:
        found = self._store.catalog(pointer.version, pointer.sha256)
        return CatalogVersion(pointer.version, found)

    def _newest_readable(self, before: int | None) -> CatalogVersion:
        """Return the newest version, older than `before` if that is given."""
        for number in self._store.numbers():
            if before is not None and number >= before:
                continue
            try:
                return CatalogVersion(number, self._store.catalog(number))
            except CorruptConfig as error:
                _report(error.message, "an earlier version")
        raise AwsUnavailable("no published configuration can be read")


def _report(reason: str, in_force: int | str) -> None:
    logger.error(CONFIG_NOT_READABLE, reason=reason, in_force=in_force)
    count(Metric.CONFIG_NOT_READABLE)
