"""S3: links that were signed."""

import re
import socket
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest

from tests.probes.aws_setup import Ground
from tests.probes.probe import probes_of
from tests.probes.s3 import API, GUIDE, is_there, put

probe = probes_of("S3")


def link(aws: Ground, call: str, key: str, seconds: int = 60, **more: Any) -> str:
    parameters = {"Bucket": aws.bucket, "Key": key, **more}
    made: str = aws.s3.generate_presigned_url(call, Params=parameters, ExpiresIn=seconds)
    return made


@probe(
    "a link to GET that was signed for five seconds, six seconds later",
    aws="403",
    source=GUIDE + "using-presigned-url.html",
)
def an_expired_link(aws: Ground) -> str:
    key = aws.name()
    put(aws, key)
    address = link(aws, "get_object", key, seconds=5)
    assert httpx.get(address).status_code == 200
    time.sleep(6)
    return str(httpx.get(address).status_code)


@probe(
    "a link that was signed for another object",
    aws="403",
    source=GUIDE + "using-presigned-url.html",
)
def a_link_that_was_changed(aws: Ground) -> str:
    first, second = aws.name(), aws.name()
    put(aws, first)
    put(aws, second)
    return str(httpx.get(link(aws, "get_object", first).replace(first, second)).status_code)


@probe(
    "a link's response-content-disposition",
    aws="is obeyed, and part of the signature",
    source=API + "API_GetObject.html",
)
def a_links_disposition(aws: Ground) -> str:
    key, wanted = aws.name(), 'attachment; filename="film.mp4"'
    put(aws, key)
    address = link(aws, "get_object", key, ResponseContentDisposition=wanted)
    obeyed = httpx.get(address).headers.get("content-disposition") == wanted
    changed = httpx.get(re.sub(r"film\.mp4", "page.html", address)).status_code
    return f"is {'obeyed' if obeyed else 'ignored'}, and " + (
        "part of the signature" if changed == 403 else "free to be changed"
    )


@probe(
    "a link to PUT with another length than was signed",
    aws="403",
    source=API + "sigv4-query-string-auth.html",
)
def a_links_length(aws: Ground) -> str:
    key = aws.name()
    address = link(aws, "put_object", key, ContentLength=7)
    longer = httpx.put(address, content=b"content and more").status_code
    assert httpx.put(address, content=b"content").status_code == 200
    return str(longer)


@probe(
    "a link to PUT with another content type than was signed",
    aws="403",
    source=API + "sigv4-query-string-auth.html",
)
def a_links_content_type(aws: Ground) -> str:
    address = link(aws, "put_object", aws.name(), ContentType="image/png")
    html = {"content-type": "text/html"}
    return str(httpx.put(address, content=b"content", headers=html).status_code)


@probe(
    "an object asked for without a signature",
    aws="403",
    source=GUIDE + "access-control-block-public-access.html",
)
def an_unsigned_call(aws: Ground) -> str:
    key = aws.name()
    put(aws, key)
    return str(httpx.get(link(aws, "get_object", key).partition("?")[0]).status_code)


@probe(
    "a link that was signed by a clock 20 minutes fast",
    aws="403",
    source=API + "sigv4-query-string-auth.html",
)
def a_link_of_tomorrow(aws: Ground) -> str:
    """S3 takes no date that is to come, save for a few minutes of skew."""
    key = aws.name()
    put(aws, key)
    return str(httpx.get(signed_at(aws, key, timedelta(minutes=20))).status_code)


@probe(
    "a link for a minute that was signed by a clock 20 minutes slow",
    aws="403",
    source=API + "sigv4-query-string-auth.html",
)
def a_link_of_yesterday(aws: Ground) -> str:
    key = aws.name()
    put(aws, key)
    return str(httpx.get(signed_at(aws, key, timedelta(minutes=-20))).status_code)


def signed_at(aws: Ground, key: str, shift: timedelta) -> str:
    """A link for a minute, signed at another time: what a machine with a wrong clock gives out."""
    credentials = aws.s3._request_signer._credentials
    signer: Any = S3SigV4QueryAuth(credentials, "s3", "us-east-1", 60)
    request: Any = AWSRequest("GET", f"{aws.s3.meta.endpoint_url}/{aws.bucket}/{key}")
    request.context["timestamp"] = (datetime.now(UTC) + shift).strftime("%Y%m%dT%H%M%SZ")
    signer._modify_request_before_signing(request)
    text = signer.string_to_sign(request, signer.canonical_request(request))
    signer._inject_signature_to_request(request, signer.signature(text, request))
    return str(request.url)


@probe(
    "a PUT whose connection ends before its body does",
    aws="no object",
    source=API + "API_PutObject.html",
)
def a_body_cut_off(aws: Ground) -> str:
    """S3 never adds half an object: a success means that all of it is there."""
    key = aws.name()
    place = urlsplit(link(aws, "put_object", key))
    head = f"PUT {place.path}?{place.query} HTTP/1.1\r\nHost: {place.netloc}\r\n"
    with socket.create_connection((place.hostname or "", place.port or 80)) as connection:
        connection.sendall(f"{head}Content-Length: 1000\r\n\r\nhalf".encode())
    time.sleep(1)
    return "an object" if is_there(aws, key) else "no object"
