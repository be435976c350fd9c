"""Published configurations in the bucket: `config/versions/NUMBER.json` and `config/current.json`.

A version is never written again. Writes are conditional, so that the second of two publications at
once fails.
"""

import re
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from rushes.aws.errors import translate_aws_errors
from rushes.catalog.models import Catalog
from rushes.catalog.published_config import (
    ConfigPointer,
    PublishedConfig,
    digest,
    parse_catalog,
    parse_config,
    parse_pointer,
)
from rushes.errors import CorruptConfig, WriteConflict

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

POINTER_KEY = "config/current.json"
VERSIONS = "config/versions/"
MAX_BYTES = 16 * 1024 * 1024
"""Of a version; a larger object is corrupt."""
CONFLICTS = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"})
"""Codes of a conditional write that lost."""


_NAME = re.compile(rf"{VERSIONS}(\d{{1,9}})\.json")


@dataclass(frozen=True)
class StoredPointer:
    pointer: ConfigPointer
    etag: str


class ConfigStore:
    """`client` builds the S3 client at the first call."""

    def __init__(self, client: "Callable[[], S3Client]", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def pointer(self) -> StoredPointer | None:
        """Return the pointer, or None if nothing has been published.

        Raises
        ------
        CorruptConfig
        """
        found = self._get(POINTER_KEY)
        return StoredPointer(parse_pointer(found[0]), found[1]) if found else None

    def pointer_etag(self) -> str | None:
        """Return the ETag of the pointer, which may be corrupt."""
        found = self._get(POINTER_KEY)
        return found[1] if found else None

    def read(self, number: int, sha256: str | None = None) -> PublishedConfig:
        """Return a version; compare its digest if the pointer's is given.

        Raises
        ------
        CorruptConfig
            If it is missing or cannot be read.
        """
        return parse_config(self.content(number), number, sha256)

    def catalog(self, number: int, sha256: str | None = None) -> Catalog:
        """Return the catalog of a version, as functions use it.

        Raises
        ------
        CorruptConfig
            If it is missing or cannot be read.
        """
        return parse_catalog(self.content(number), number, sha256)

    def content(self, number: int) -> bytes:
        """Return the document of a version.

        Raises
        ------
        CorruptConfig
            If it is missing.
        """
        found = self._get(_key(number))
        if found is None:
            raise CorruptConfig(f"version {number} is missing")
        return found[0]

    def numbers(self) -> list[int]:
        """Return the numbers of all versions, the newest first."""
        found: list[int] = []
        with translate_aws_errors():
            pages = self._client().get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self._bucket, Prefix=VERSIONS):
                names = (_NAME.fullmatch(entry["Key"]) for entry in page.get("Contents", []))
                found += [int(name[1]) for name in names if name]
        return sorted(found, reverse=True)

    def add(self, config: PublishedConfig) -> ConfigPointer:
        """Store a new version, and return the pointer to it.

        Raises
        ------
        WriteConflict
            If there is a version of that number.
        """
        content = config.model_dump_json(exclude_unset=True).encode()
        self._put(_key(config.version), content, None)
        return ConfigPointer(
            version=config.version,
            sha256=digest(content),
            published_at=config.published_at,
            published_by=config.published_by,
        )

    def move_pointer(self, pointer: ConfigPointer, etag: str | None) -> None:
        """Replace the pointer with that ETag, or create the first one.

        Raises
        ------
        WriteConflict
            If the pointer has changed.
        """
        self._put(POINTER_KEY, pointer.model_dump_json().encode(), etag)

    def discard(self, number: int) -> None:
        """Delete a version that no pointer has named."""
        with translate_aws_errors():
            self._client().delete_object(Bucket=self._bucket, Key=_key(number))

    def _get(self, key: str) -> tuple[bytes, str] | None:
        client = self._client()
        try:
            with translate_aws_errors():
                reply = client.get_object(Bucket=self._bucket, Key=key)
                with closing(reply["Body"]) as body:
                    if reply["ContentLength"] > MAX_BYTES:
                        raise CorruptConfig(f"{key} has more than {MAX_BYTES} bytes")
                    return body.read(), reply["ETag"]
        except client.exceptions.NoSuchKey:
            return None

    def _put(self, key: str, content: bytes, etag: str | None) -> None:
        condition: Any = {"IfNoneMatch": "*"} if etag is None else {"IfMatch": etag}
        try:
            with translate_aws_errors():
                self._client().put_object(
                    Bucket=self._bucket,
                    Key=key,
                    Body=content,
                    ContentType="application/json",
                    **condition,
                )
        except ClientError as error:
            if error.response["Error"]["Code"] not in CONFLICTS:
                raise
            if not self._has(key, content):
                raise WriteConflict(f"{key} was written by another publication") from None

    def _has(self, key: str, content: bytes) -> bool:
        """Whether the object is what this call wrote.

        boto3 repeats a write whose reply was lost, and S3 refuses the repetition as a conflict.
        """
        found = self._get(key)
        return found is not None and found[0] == content


def _key(number: int) -> str:
    return f"{VERSIONS}{number}.json"
