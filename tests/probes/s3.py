"""S3: conditional writes, checksums, links that were signed, multipart."""

import hashlib
from base64 import b64encode
from typing import Any

from tests.probes.aws_setup import Ground
from tests.probes.probe import answer, probes_of

probe = probes_of("S3")

API = "AmazonS3/latest/API/"
GUIDE = "AmazonS3/latest/userguide/"


def put(aws: Ground, key: str, **more: Any) -> None:
    aws.s3.put_object(Bucket=aws.bucket, Key=key, **{"Body": b"content", **more})


def is_there(aws: Ground, key: str) -> bool:
    return answer(lambda: aws.s3.head_object(Bucket=aws.bucket, Key=key)) == "accepted"


@probe(
    "PutObject with If-None-Match: * over an object",
    aws="PreconditionFailed",
    source=GUIDE + "conditional-writes.html",
)
def a_second_put(aws: Ground) -> str:
    key = aws.name()
    put(aws, key, IfNoneMatch="*")
    return answer(lambda: put(aws, key, IfNoneMatch="*"))


@probe(
    "PutObject with a SHA-256 that the body does not have",
    aws="BadDigest",
    source=GUIDE + "checking-object-integrity-upload.html",
)
def a_wrong_checksum(aws: Ground) -> str:
    other = b64encode(hashlib.sha256(b"other").digest()).decode()
    return answer(lambda: put(aws, aws.name(), ChecksumSHA256=other))


@probe(
    "CopyObject with an etag that the source no longer has",
    aws="PreconditionFailed",
    source=API + "API_CopyObject.html",
)
def a_copy_of_what_has_changed(aws: Ground) -> str:
    source, old = aws.name(), '"00000000000000000000000000000000"'
    put(aws, source)
    place = {"Bucket": aws.bucket, "Key": source}
    return answer(
        lambda: aws.s3.copy_object(
            Bucket=aws.bucket, Key=aws.name(), CopySource=place, CopySourceIfMatch=old
        )
    )


@probe(
    "an upload in parts after AbortMultipartUpload",
    aws="NoSuchUpload, no object",
    source=API + "API_AbortMultipartUpload.html",
)
def an_aborted_upload(aws: Ground) -> str:
    key, upload, parts = upload_of(aws, b"part")
    aws.s3.abort_multipart_upload(Bucket=aws.bucket, Key=key, UploadId=upload)
    refused = answer(lambda: complete(aws, key, upload, parts))
    return f"{refused}, {'an' if is_there(aws, key) else 'no'} object"


@probe(
    "an upload of two parts, the first of four bytes",
    aws="EntityTooSmall",
    engine="accepted",
    source=API + "API_CompleteMultipartUpload.html",
    covered="blobs.py sends parts of one size, more than S3's least; integration/test_blobs.py",
)
def a_part_too_small(aws: Ground) -> str:
    key, upload, parts = upload_of(aws, b"tiny", b"last")
    return answer(lambda: complete(aws, key, upload, parts))


def upload_of(aws: Ground, *contents: bytes) -> tuple[str, str, list[dict[str, Any]]]:
    key, parts = aws.name(), []
    upload = aws.s3.create_multipart_upload(Bucket=aws.bucket, Key=key)["UploadId"]
    for number, content in enumerate(contents, 1):
        place = {"Bucket": aws.bucket, "Key": key, "UploadId": upload, "PartNumber": number}
        etag = aws.s3.upload_part(**place, Body=content)["ETag"]
        parts.append({"ETag": etag, "PartNumber": number})
    return key, str(upload), parts


def complete(aws: Ground, key: str, upload: str, parts: list[dict[str, Any]]) -> None:
    aws.s3.complete_multipart_upload(
        Bucket=aws.bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": parts}
    )
