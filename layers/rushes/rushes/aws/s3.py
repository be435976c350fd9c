"""S3 adapter: clients' files under `inputs/`, results under `outputs/`."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from functools import partial
from typing import IO, TYPE_CHECKING, Any, cast
from urllib.parse import SplitResult, unquote, urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from rushes.aws.errors import translate_aws_errors
from rushes.aws.object_tags import tag_set
from rushes.errors import AwsUnavailable, DownloadInterrupted, InvalidInputFile, InvalidOutput
from rushes.jobs.content_type import HEAD_BYTES, content_type_of
from rushes.jobs.file_window import FileWindow
from rushes.jobs.request import UPLOAD_SECONDS, StoredFile, Upload
from rushes.jobs.result import Artifact
from rushes.ports.storage import Download

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

LINK_SECONDS = 3600
DEFAULT_PORTS = {"http": 80, "https": 443}
MAX_SHOWN_CHARACTERS = 200
MAX_PUT_BYTES = 5 * 1024**3
PART_BYTES = 16 * 1024 * 1024
CHUNK_BYTES = 256 * 1024


class Bucket:
    """`limit`: maximum bytes of an output."""

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
        """Store a download in constant memory; an interrupted or too long one leaves no object."""
        if download.length is not None and download.length > self._limit:
            raise InvalidOutput(
                f"the output must have at most {self._limit} bytes (got {download.length})"
            )
        source = HashingStream(download, self._limit)
        if download.length is None or download.length > MAX_PUT_BYTES:
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
            source.raise_error()
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
            # A lifecycle rule of the bucket removes what cannot be aborted now.
            with suppress(AwsUnavailable), translate_aws_errors():
                self._client.abort_multipart_upload(Bucket=self._name, Key=key, UploadId=upload_id)
            raise

    def _parts(
        self, key: str, source: "HashingStream", upload_id: str
    ) -> "list[CompletedPartTypeDef]":
        parts: list[CompletedPartTypeDef] = []
        while part := source.read(PART_BYTES):
            with translate_aws_errors():
                reply = self._client.upload_part(
                    Bucket=self._name,
                    Key=key,
                    UploadId=upload_id,
                    PartNumber=len(parts) + 1,
                    Body=part,
                )
            parts.append({"PartNumber": len(parts) + 1, "ETag": reply["ETag"]})
        return parts

    def read(self, key: str) -> bytes:
        try:
            with translate_aws_errors():
                return self._client.get_object(Bucket=self._name, Key=key)["Body"].read()
        except self._client.exceptions.NoSuchKey:
            raise InvalidInputFile("an input file no longer exists") from None

    def read_range(self, key: str, start: int, count: int) -> bytes:
        try:
            with translate_aws_errors():
                reply = self._client.get_object(
                    Bucket=self._name, Key=key, Range=f"bytes={start}-{start + count - 1}"
                )
                with closing(reply["Body"]) as body:
                    return body.read(count)
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("NoSuchKey", "InvalidRange"):
                raise
            return b""

    def move(self, artifact: Artifact, key: str, content_type: str) -> Artifact:
        with translate_aws_errors():
            self._client.copy_object(
                Bucket=self._name,
                Key=key,
                CopySource={"Bucket": self._name, "Key": artifact.key},
                ContentType=content_type,
                MetadataDirective="REPLACE",
            )
            if key != artifact.key:
                self._client.delete_object(Bucket=self._name, Key=artifact.key)
        return artifact.model_copy(update={"key": key, "content_type": content_type})

    def tag(self, key: str, tags: Mapping[str, str]) -> None:
        try:
            with translate_aws_errors():
                self._client.put_object_tagging(
                    Bucket=self._name, Key=key, Tagging={"TagSet": tag_set(tags)}
                )
        except self._client.exceptions.NoSuchKey as error:  # its job was deleted meanwhile
            raise AwsUnavailable("PutObjectTagging found no object") from error

    def uri(self, key: str) -> str:
        return f"s3://{self._name}/{key}"

    @contextmanager
    def open(self, uri: str, folder: str) -> Iterator[Download]:
        """Yield an object of a folder of this bucket as a stream.

        Raises
        ------
        InvalidOutput
            If the URI is of another bucket or folder.
        DownloadInterrupted
            If the object does not exist, or reading it fails.
        """
        if not uri.startswith(self.uri(folder)):
            shown = uri[:MAX_SHOWN_CHARACTERS]
            raise InvalidOutput(f"the output must be in {self.uri(folder)} (got {shown})")
        key = uri.removeprefix(self.uri(""))
        try:
            with translate_aws_errors():
                reply = self._client.get_object(Bucket=self._name, Key=key)
        except (self._client.exceptions.NoSuchKey, AwsUnavailable) as error:
            raise DownloadInterrupted(f"the object {key} cannot be read: {error}") from error
        with closing(reply["Body"]) as body:
            chunks = _chunks(body.iter_chunks(CHUNK_BYTES))
            yield Download(reply["ContentLength"], reply.get("ContentType"), chunks)

    def find(self, key: str) -> StoredFile | None:
        """Return an object with the content type of its bytes, or None if there is no object."""
        try:
            with translate_aws_errors():  # without Range, which fails for empty objects
                reply = self._client.get_object(Bucket=self._name, Key=key)
                with closing(reply["Body"]) as body:
                    head = body.read(HEAD_BYTES)
        except self._client.exceptions.NoSuchKey:
            return None
        size, etag = reply["ContentLength"], reply["ETag"]
        window = FileWindow(head, size, partial(self.read_range, key))
        content_type = content_type_of(window) or "application/octet-stream"
        return StoredFile(key=key, content_type=content_type, size=size, etag=etag)

    def copy(self, file: StoredFile, key: str) -> StoredFile | None:
        """Copy an object to another key; None if it is gone, or its known ETag changed since."""
        condition: Any = {"CopySourceIfMatch": file.etag} if file.etag else {}
        try:
            with translate_aws_errors():
                self._client.copy_object(
                    Bucket=self._name,
                    Key=key,
                    CopySource={"Bucket": self._name, "Key": file.key},
                    **condition,
                )
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("PreconditionFailed", "NoSuchKey"):
                raise
            return None
        return file.model_copy(update={"key": key})

    def upload_link(
        self, key: str, content_type: str | None = None, length: int | None = None
    ) -> str:
        """Return a presigned PUT URL for one file, valid for 15 minutes.

        S3 compares the headers that are part of the signature: it refuses a PUT with another
        `Content-Type` or `Content-Length` than given here.
        """
        signed = {"ContentType": content_type, "ContentLength": length}
        given = {name: value for name, value in signed.items() if value is not None}
        return self._client.generate_presigned_url(
            "put_object",
            Params={"Bucket": self._name, "Key": key, **given},
            ExpiresIn=UPLOAD_SECONDS,
        )

    def key_of(self, url: str) -> str | None:
        """Return the object key in a URL of this bucket, None for other URLs. Makes no request."""
        own = urlsplit(self.upload_link("x"))
        try:
            given = urlsplit(url)
            if "@" in given.netloc or _origin(given) != _origin(own):
                return None
        except ValueError:
            return None
        prefix = own.path.removesuffix("x")
        return unquote(given.path.removeprefix(prefix)) if given.path.startswith(prefix) else None

    def link(self, file: StoredFile, filename: str, method: str = "GET") -> str:
        """Return a presigned download URL, valid for one hour; its signature covers the method."""
        return self._client.generate_presigned_url(
            "head_object" if method == "HEAD" else "get_object",
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


def _origin(url: SplitResult) -> tuple[str, str | None, int | None]:
    """Return scheme, host and port; raises ValueError for an invalid port."""
    return url.scheme, url.hostname, url.port or DEFAULT_PORTS.get(url.scheme)


def _chunks(source: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield from source
    except BotoCoreError as error:
        raise DownloadInterrupted(f"S3 interrupted the read ({type(error).__name__})") from error


class HashingStream:
    """File object over a download that counts and hashes the bytes read.

    It returns the last bytes only when the source ends at its declared length. The upload of a
    truncated download thus stays incomplete, and S3 stores no object.
    """

    def __init__(self, download: Download, limit: int) -> None:
        self._chunks: Iterator[bytes] = download.chunks
        self._length = download.length
        self._limit = limit
        self._buffer = b""
        self._hash = hashlib.sha256()
        self._error: Exception | None = None
        self.size = 0

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def read(self, size: int = -1) -> bytes:
        try:
            return self._read(size)
        except Exception as error:
            self._error = error
            raise

    def raise_error(self) -> None:
        """Raise the original error of `read`, which botocore may have replaced."""
        if self._error:
            raise self._error

    def _read(self, size: int) -> bytes:
        chunks, count = [self._buffer], len(self._buffer)
        while size < 0 or count < size:
            chunk = next(self._chunks, None)
            if chunk is None:
                self._check_end(self.size + count)
                break
            chunks.append(chunk)
            count += len(chunk)
        data = b"".join(chunks)
        result, self._buffer = (data, b"") if size < 0 else (data[:size], data[size:])
        self.size += len(result)
        self._hash.update(result)
        if self.size > self._limit:
            raise InvalidOutput(f"the output must have at most {self._limit} bytes (got more)")
        if self._length is not None and self.size > self._length:
            raise DownloadInterrupted(f"the output must have {self._length} bytes (got more)")
        return result

    def _check_end(self, size: int) -> None:
        if self._length is not None and size != self._length:
            raise DownloadInterrupted(f"the output ended after {size} of {self._length} bytes")
