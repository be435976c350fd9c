"""API Gateway and S3: requests of web pages of other origins (CORS)."""

from functools import cache
from threading import Lock

import httpx

from tests.probes.aws_setup import AwsSetup
from tests.probes.gateway import ORIGIN, create_api
from tests.probes.links import link
from tests.probes.probe import documented, probes_of
from tests.probes.s3 import GUIDE, put

gateway_probe, s3_probe = probes_of("API Gateway"), probes_of("S3")

PAGE = "apigateway/latest/developerguide/http-api-cors.html"
OTHER = "http://127.0.0.1:3001"
PREFLIGHT = {
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization",
}
LOCK = Lock()


def allow_origin(aws: AwsSetup) -> None:
    """Create the HTTP API and set the bucket's CORS rules, once for all probes."""
    with LOCK:
        _configure(aws)


@cache
def _configure(aws: AwsSetup) -> None:
    create_api(aws)
    rules = [
        {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]},
        {"AllowedMethods": ["PUT"], "AllowedOrigins": [ORIGIN], "AllowedHeaders": ["*"]},
    ]
    aws.s3.put_bucket_cors(Bucket=aws.bucket, CORSConfiguration={"CORSRules": rules})


def shown(response: httpx.Response, *names: str) -> str:
    """Return the status and the named CORS headers."""
    headers = [response.headers.get(f"access-control-{name}", "none") for name in names]
    return ", ".join([str(response.status_code), *headers])


@gateway_probe("a preflight request from an allowed origin")
@documented(f"204, {ORIGIN}, GET,POST, authorization, 7200", PAGE)
def preflight(aws: AwsSetup) -> str:
    allow_origin(aws)
    headers = {"origin": ORIGIN, **PREFLIGHT}
    names = ("allow-origin", "allow-methods", "allow-headers", "max-age")
    return shown(httpx.options(f"{aws.front_url}/v1/videos", headers=headers), *names)


@gateway_probe("a request from an allowed origin")
@documented(f"200, {ORIGIN}, x-request-id", PAGE)
def allowed_origin(aws: AwsSetup) -> str:
    allow_origin(aws)
    reply = httpx.get(f"{aws.front_url}/v1/videos", headers={"origin": ORIGIN})
    return shown(reply, "allow-origin", "expose-headers")


@gateway_probe("a request from another origin")
@documented("200, none", PAGE)
def other_origin(aws: AwsSetup) -> str:
    allow_origin(aws)
    reply = httpx.get(f"{aws.front_url}/v1/videos", headers={"origin": OTHER})
    return shown(reply, "allow-origin")


@s3_probe("a link requested by a page after a redirect, with `Origin: null`")
@documented("200, *", GUIDE + "cors.html")
def download_after_redirect(aws: AwsSetup) -> str:
    allow_origin(aws)
    headers = {"origin": "null", "sec-fetch-site": "same-site"}
    return shown(httpx.get(link(aws, "get_object", put(aws)), headers=headers), "allow-origin")


@s3_probe("a preflight request for an upload, from an allowed and from another origin")
@documented(f"200, {ORIGIN}, then 403, none", GUIDE + "cors.html")
def upload_preflight(aws: AwsSetup) -> str:
    allow_origin(aws)
    url = link(aws, "put_object", aws.name())
    method = {"access-control-request-method": "PUT"}
    replies = [httpx.options(url, headers={"origin": o, **method}) for o in (ORIGIN, OTHER)]
    return ", then ".join(shown(reply, "allow-origin") for reply in replies)
