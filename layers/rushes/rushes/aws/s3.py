"""The bucket: clients' files under `inputs/`, ours under `outputs/`. The only user of S3."""

import hashlib
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import IO, TYPE_CHECKING, cast
from urllib.parse import unquote, urlsplit

from botocore.exceptions import ClientError

from rushes.aws.errors import translate_aws_errors
from rushes.errors import AwsUnavailable, DownloadInterrupted, InvalidInputFile, InvalidOutput
from rushes.jobs.content_type import HEAD, sniff
from rushes.jobs.request import StoredFile, Upload
from rushes.jobs.result import Artifact
from rushes.ports import Download

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

LINK_SECONDS = 3600
UPLOAD_LINK_SECONDS = 900
LONGEST_SINGLE_PUT = 5 * 1024**3
PART_BYTES = 16 * 1024 * 1024


class Bucket:
    """`limit`: the most bytes an output may have."""

    def __init__(self, client: "S3Client", name: str, limit: int) -> None:
        self._client = client
        self._name = name
        self._limit = limit

    def put(self, key: str, upload: Upload) -> StoredFile:
        with translate_aws_errors():
            self._client.put_object(
                Bucket=self._name, Key=key, Body=upload.content, ContentType=upload.content_type
            )
        return StoredFile(key=key, content_type=upload.content_type, size=len(upload.content))

    def put_stream(self, key: str, download: Download, content_type: str) -> Artifact:
        """Copy a download with flat memory. What breaks off or is too long leaves no object."""
        if download.length is not None and download.length > self._limit:
            raise InvalidOutput(
                f"the output has {download.length} bytes, at most {self._limit} are taken"
            )
        source = HashingStream(download, self._limit)
        if download.length is None or download.length > LONGEST_SINGLE_PUT:
            self._put_parts(key, source, content_type)
        else:
            self._put_whole(key, source, content_type, download.length)
        return Artifact(key=key, content_type=content_type, size=source.size, sha256=source.sha256)

    def _put_whole(self, key: str, source: "HashingStream", content_type: str, length: int) -> None:
        try:
            with translate_aws_errors():
                self._client.put_object(
                    Bucket=self._name,
                    Key=key,
                    Body=cast("IO[bytes]", source),
                    ContentLength=length,
                    ContentType=content_type,
                )
        except Exception:
            source.raise_trouble()
            raise

    def _put_parts(self, key: str, source: "HashingStream", content_type: str) -> None:
        with translate_aws_errors():
            begun = self._client.create_multipart_upload(
                Bucket=self._name, Key=key, ContentType=content_type
            )
        upload_id = begun["UploadId"]
        try:
            parts = self._parts(key, source, upload_id)
            with translate_aws_errors():
                self._client.complete_multipart_upload(
                    Bucket=self._name,
                    Key=key,
                    UploadId=upload_id,
                    MultipartUpload={"Parts": parts},
                )
        except BaseException:
            with (
                suppress(AwsUnavailable),
                translate_aws_errors(),
            ):  # what is left, the bucket clears away
                self._client.abort_multipart_upload(Bucket=self._name, Key=key, UploadId=upload_id)
            raise

    def _parts(
        self, key: str, source: "HashingStream", upload_id: str
    ) -> "list[CompletedPartTypeDef]":
        parts: list[CompletedPartTypeDef] = []
        while piece := source.read(PART_BYTES):
            with translate_aws_errors():
                reply = self._client.upload_part(
                    Bucket=self._name,
                    Key=key,
                    UploadId=upload_id,
                    PartNumber=len(parts) + 1,
                    Body=piece,
                )
            parts.append({"PartNumber": len(parts) + 1, "ETag": reply["ETag"]})
        return parts

    def read(self, key: str) -> bytes:
        try:
            with translate_aws_errors():
                return self._client.get_object(Bucket=self._name, Key=key)["Body"].read()
        except self._client.exceptions.NoSuchKey:
            raise InvalidInputFile("a file that the job works from is gone") from None

    def find(self, key: str) -> StoredFile | None:
        """What is there, with the content type that its first bytes tell; None where nothing is."""
        try:
            with translate_aws_errors():  # whole, as of an empty object S3 gives no range
                reply = self._client.get_object(Bucket=self._name, Key=key)
                with closing(reply["Body"]) as body:
                    head = body.read(HEAD)
        except self._client.exceptions.NoSuchKey:
            return None
        kind = sniff(head) or "application/octet-stream"
        size, etag = reply["ContentLength"], reply["ETag"]
        return StoredFile(key=key, content_type=kind, size=size, etag=etag)

    def copy(self, file: StoredFile, key: str) -> StoredFile | None:
        """The very bytes that were found, under another key; None where there are others by now."""
        try:
            with translate_aws_errors():
                self._client.copy_object(
                    Bucket=self._name,
                    Key=key,
                    CopySource={"Bucket": self._name, "Key": file.key},
                    CopySourceIfMatch=file.etag or "",
                )
        except ClientError as refused:  # 412, or 404 where it is gone: all else is ours
            if refused.response["Error"]["Code"] not in ("PreconditionFailed", "NoSuchKey"):
                raise
            return None
        return file.model_copy(update={"key": key})

    def upload_link(self, key: str) -> str:
        """An address that one file may be PUT to, for a quarter of an hour."""
        return self._client.generate_presigned_url(
            "put_object",
            Params={"Bucket": self._name, "Key": key},
            ExpiresIn=UPLOAD_LINK_SECONDS,
        )

    def key_of(self, address: str) -> str | None:
        """The object that a link of ours stands for. Only parsed: nothing is looked up."""
        try:
            asked, ours = urlsplit(address), urlsplit(self.upload_link("x"))
        except ValueError:
            return None
        prefix = ours.path.removesuffix("x")
        if (asked.scheme, asked.netloc) != (ours.scheme, ours.netloc):
            return None
        return unquote(asked.path.removeprefix(prefix)) if asked.path.startswith(prefix) else None

    def link(self, file: StoredFile, filename: str) -> str:
        """An address that anybody may download from for an hour."""
        return self._client.generate_presigned_url(
            "get_object",
            Params={
                "Bucket": self._name,
                "Key": file.key,
                "ResponseContentType": file.content_type,
                "ResponseContentDisposition": f'attachment; filename="{filename}"',
            },
            ExpiresIn=LINK_SECONDS,
        )

    def delete(self, prefix: str) -> None:
        with translate_aws_errors():
            pages = self._client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self._name, Prefix=prefix):
                for entry in page.get("Contents", []):
                    self._client.delete_object(Bucket=self._name, Key=entry["Key"])


class HashingStream:
    """A download as a file to read from once, which counts and hashes what it hands out.

    The last bytes are held back until the source has ended as announced: an upload that was to
    become a wrong object is thus left incomplete, and S3 keeps nothing of it.
    """

    def __init__(self, download: Download, limit: int) -> None:
        self._chunks: Iterator[bytes] = download.chunks
        self._length = download.length
        self._limit = limit
        self._rest = b""
        self._hash = hashlib.sha256()
        self._trouble: Exception | None = None
        self.size = 0

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def read(self, size: int = -1) -> bytes:
        try:
            return self._read(size)
        except Exception as error:
            self._trouble = error
            raise

    def raise_trouble(self) -> None:
        """Raise what went wrong while reading, whatever others have made of it since."""
        if self._trouble:
            raise self._trouble

    def _read(self, size: int) -> bytes:
        pieces, have = [self._rest], len(self._rest)
        while size < 0 or have < size:
            piece = next(self._chunks, None)
            if piece is None:
                self._at_end(have)
                break
            pieces.append(piece)
            have += len(piece)
        whole = b"".join(pieces)
        given, self._rest = (whole, b"") if size < 0 else (whole[:size], whole[size:])
        self.size += len(given)
        self._hash.update(given)
        if self.size > self._limit:
            raise InvalidOutput(f"the output has more than {self._limit} bytes")
        if self._length is not None and self.size > self._length:
            raise DownloadInterrupted(f"the output has more than its {self._length} bytes")
        return given

    def _at_end(self, unread: int) -> None:
        if self._length is not None and self.size + unread != self._length:
            raise DownloadInterrupted(
                f"the output ended after {self.size + unread} of {self._length} bytes"
            )
