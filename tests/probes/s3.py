"""S3: conditional writes, checksums and multipart uploads."""

import hashlib
from base64 import b64encode
from typing import Any

from tests.probes.aws_setup import AwsSetup
from tests.probes.probe import answer, differs, documented, probes_of

probe = probes_of("S3")

API = "AmazonS3/latest/API/"
GUIDE = "AmazonS3/latest/userguide/"


def put(aws: AwsSetup, key: str = "", **more: Any) -> str:
    """Put an object; return its key."""
    key = key or aws.name()
    aws.s3.put_object(Bucket=aws.bucket, Key=key, Body=b"content", **more)
    return key


def is_there(aws: AwsSetup, key: str) -> bool:
    return answer(lambda: aws.s3.head_object(Bucket=aws.bucket, Key=key)) == "accepted"


@probe("PutObject with If-None-Match: * over an existing object")
@documented("PreconditionFailed", GUIDE + "conditional-writes.html")
def conditional_put(aws: AwsSetup) -> str:
    key = put(aws, IfNoneMatch="*")
    return answer(lambda: put(aws, key, IfNoneMatch="*"))


@probe("PutObject with If-Match and an outdated ETag, and with the current one")
@documented("PreconditionFailed, then accepted", GUIDE + "conditional-writes.html")
def put_over_changed_object(aws: AwsSetup) -> str:
    key = put(aws)
    old = '"00000000000000000000000000000000"'
    refused = answer(lambda: put(aws, key, IfMatch=old))
    etag = aws.s3.head_object(Bucket=aws.bucket, Key=key)["ETag"]
    return f"{refused}, then {answer(lambda: put(aws, key, IfMatch=etag))}"


@probe("PutObject with a wrong SHA-256")
@documented("BadDigest", GUIDE + "checking-object-integrity-upload.html")
def wrong_checksum(aws: AwsSetup) -> str:
    other = b64encode(hashlib.sha256(b"other").digest()).decode()
    return answer(lambda: put(aws, ChecksumSHA256=other))


@probe("CopyObject with an outdated ETag")
@documented("PreconditionFailed", API + "API_CopyObject.html")
def copy_of_changed_object(aws: AwsSetup) -> str:
    old = '"00000000000000000000000000000000"'
    place = {"Bucket": aws.bucket, "Key": put(aws)}
    return answer(
        lambda: aws.s3.copy_object(
            Bucket=aws.bucket, Key=aws.name(), CopySource=place, CopySourceIfMatch=old
        )
    )


@probe("a multipart upload after AbortMultipartUpload")
@documented("NoSuchUpload, no object", API + "API_AbortMultipartUpload.html")
def aborted_upload(aws: AwsSetup) -> str:
    key, upload, parts = upload_of(aws, b"part")
    aws.s3.abort_multipart_upload(Bucket=aws.bucket, Key=key, UploadId=upload)
    refused = answer(lambda: complete(aws, key, upload, parts))
    return f"{refused}, {'an' if is_there(aws, key) else 'no'} object"


@probe("an upload of two parts, the first of four bytes")
@documented("EntityTooSmall", API + "API_CompleteMultipartUpload.html")
@differs(
    "accepted",
    covered="aws/s3.py sends parts of one size, above S3's minimum; integration/test_s3.py",
)
def part_too_small(aws: AwsSetup) -> str:
    key, upload, parts = upload_of(aws, b"tiny", b"last")
    return answer(lambda: complete(aws, key, upload, parts))


def upload_of(aws: AwsSetup, *contents: bytes) -> tuple[str, str, list[dict[str, Any]]]:
    key, parts = aws.name(), []
    upload = aws.s3.create_multipart_upload(Bucket=aws.bucket, Key=key)["UploadId"]
    for number, content in enumerate(contents, 1):
        place = {"Bucket": aws.bucket, "Key": key, "UploadId": upload, "PartNumber": number}
        etag = aws.s3.upload_part(**place, Body=content)["ETag"]
        parts.append({"ETag": etag, "PartNumber": number})
    return key, str(upload), parts


def complete(aws: AwsSetup, key: str, upload: str, parts: list[dict[str, Any]]) -> None:
    aws.s3.complete_multipart_upload(
        Bucket=aws.bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": parts}
    )
