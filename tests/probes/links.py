"""S3: presigned links."""

import re
import socket
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest

from tests.probes.aws_setup import AwsSetup
from tests.probes.probe import documented, probes_of
from tests.probes.s3 import API, GUIDE, is_there, put

probe = probes_of("S3")


def link(aws: AwsSetup, call: str, key: str, seconds: int = 60, **more: Any) -> str:
    parameters = {"Bucket": aws.bucket, "Key": key, **more}
    made: str = aws.s3.generate_presigned_url(call, Params=parameters, ExpiresIn=seconds)
    return made


@probe("a GET link signed for one second, three seconds later")
@documented("403", GUIDE + "using-presigned-url.html")
def expired_link(aws: AwsSetup) -> str:
    key = put(aws)
    assert httpx.get(link(aws, "get_object", key)).status_code == 200
    expired = link(aws, "get_object", key, seconds=1)
    time.sleep(3)
    return str(httpx.get(expired).status_code)


@probe("a link signed for another object")
@documented("403", GUIDE + "using-presigned-url.html")
def link_to_another_object(aws: AwsSetup) -> str:
    first, second = put(aws), put(aws)
    return str(httpx.get(link(aws, "get_object", first).replace(first, second)).status_code)


@probe("a link's response-content-disposition")
@documented("applied, and part of the signature", API + "API_GetObject.html")
def content_disposition(aws: AwsSetup) -> str:
    wanted = 'attachment; filename="video.mp4"'
    url = link(aws, "get_object", put(aws), ResponseContentDisposition=wanted)
    applied = httpx.get(url).headers.get("content-disposition") == wanted
    changed = httpx.get(re.sub(r"video\.mp4", "page.html", url)).status_code
    signed = "part of the signature" if changed == 403 else "free to be changed"
    return f"{'applied' if applied else 'ignored'}, and {signed}"


@probe("a PUT link with a length other than the signed one")
@documented("403", API + "sigv4-query-string-auth.html")
def put_with_wrong_length(aws: AwsSetup) -> str:
    key = aws.name()
    url = link(aws, "put_object", key, ContentLength=7)
    longer = httpx.put(url, content=b"content and more").status_code
    assert httpx.put(url, content=b"content").status_code == 200
    return str(longer)


@probe("a PUT link with a content type other than the signed one")
@documented("403", API + "sigv4-query-string-auth.html")
def put_with_wrong_content_type(aws: AwsSetup) -> str:
    url = link(aws, "put_object", aws.name(), ContentType="image/png")
    html = {"content-type": "text/html"}
    return str(httpx.put(url, content=b"content", headers=html).status_code)


@probe("a GET request without a signature")
@documented("403", GUIDE + "access-control-block-public-access.html")
def unsigned_request(aws: AwsSetup) -> str:
    return str(httpx.get(link(aws, "get_object", put(aws)).partition("?")[0]).status_code)


@probe("a link with an Authorization header")
@documented("400", API + "RESTAuthentication.html")
def link_with_authorization(aws: AwsSetup) -> str:
    """S3 accepts one authentication mechanism: clients must drop the header after a redirect."""
    bearer = {"authorization": "Bearer x"}
    return str(httpx.get(link(aws, "get_object", put(aws)), headers=bearer).status_code)


@probe("a link signed by a clock 20 minutes fast")
@documented("403", API + "sigv4-query-string-auth.html")
def link_signed_in_future(aws: AwsSetup) -> str:
    """S3 rejects a date in the future, except for a few minutes of clock skew."""
    return str(httpx.get(signed_at(aws, timedelta(minutes=20))).status_code)


@probe("a link for a minute, signed by a clock 20 minutes slow")
@documented("403", API + "sigv4-query-string-auth.html")
def link_signed_in_past(aws: AwsSetup) -> str:
    return str(httpx.get(signed_at(aws, timedelta(minutes=-20))).status_code)


def signed_at(aws: AwsSetup, shift: timedelta) -> str:
    """Return a link to an object for a minute, signed by a shifted clock."""
    credentials = aws.s3._request_signer._credentials
    signer: Any = S3SigV4QueryAuth(credentials, "s3", "us-east-1", 60)
    request: Any = AWSRequest("GET", f"{aws.s3.meta.endpoint_url}/{aws.bucket}/{put(aws)}")
    request.context["timestamp"] = (datetime.now(UTC) + shift).strftime("%Y%m%dT%H%M%SZ")
    signer._modify_request_before_signing(request)
    text = signer.string_to_sign(request, signer.canonical_request(request))
    signer._inject_signature_to_request(request, signer.signature(text, request))
    return str(request.url)


@probe("a PUT with a truncated body")
@documented("no object", API + "API_PutObject.html")
def truncated_body(aws: AwsSetup) -> str:
    """S3 never stores a partial object."""
    key = aws.name()
    place = urlsplit(link(aws, "put_object", key))
    head = f"PUT {place.path}?{place.query} HTTP/1.1\r\nHost: {place.netloc}\r\n"
    with socket.create_connection((place.hostname or "", place.port or 80)) as connection:
        connection.sendall(f"{head}Content-Length: 1000\r\n\r\nhalf".encode())
    time.sleep(1)
    return "an object" if is_there(aws, key) else "no object"
