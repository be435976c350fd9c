"""CORS of the HTTP API and of the bucket, which one parameter enables."""

import re
from typing import Any

import pytest

from rushes.dialects.api_key import KEY_HEADERS
from rushes.dialects.fal_queue.fal_arguments import ACCEPTED_HEADERS
from rushes.dialects.fal_queue.queue_dialect import WEBHOOK_HEADER
from rushes.dialects.labels import TAGS_HEADER, USER_HEADER
from tests.template.test_template import source, translated

READ = {
    *(*KEY_HEADERS, *ACCEPTED_HEADERS, WEBHOOK_HEADER),
    *("authorization", "content-type", "idempotency-key", "x-pipelet-output"),
    *("x-fal-request-timeout", "x-fal-runner-hint", "range", TAGS_HEADER, USER_HEADER),
}
"""Headers that the dialects read, or accept."""
SDK_HEADERS = {
    *(f"x-stainless-{name}" for name in ("lang", "os", "arch", "runtime", "runtime-version")),
    *(f"x-stainless-{name}" for name in ("package-version", "retry-count", "timeout")),
    *("openai-organization", "openai-project", "x-fal-object-lifecycle-preference"),
    "user-agent",
}
"""Headers that OpenAI's, Together's and fal's SDKs send from a browser."""
WRITTEN = {
    *("retry-after", "ratelimit", "ratelimit-policy", "x-request-id", "x-should-retry"),
    *("rushes-warning", "rushes-upstream-cancelled", "rushes-cost", "idempotent-replayed"),
    *("content-range", "content-disposition", "content-length", "accept-ranges", "allow"),
    *("openai-poll-after-ms", "x-fal-request-id", "x-fal-error-type", "x-fal-retryable"),
}
PARAMETER = {"Ref": "CorsAllowOrigins"}
ORIGINS = {"Fn::Split": [",", PARAMETER]}


def configuration(resource: str) -> dict[str, Any]:
    """Return the configuration with CORS; without, the resource has none."""
    condition, enabled, disabled = translated()[resource]["Properties"]["CorsConfiguration"][
        "Fn::If"
    ]
    assert condition == "HasCors"
    assert disabled == {"Ref": "AWS::NoValue"}
    found: dict[str, Any] = enabled
    return found


def test_cors_is_off_by_default():
    assert source()["Parameters"]["CorsAllowOrigins"]["Default"] == ""
    assert source()["Conditions"]["HasCors"] == {"Fn::Not": [{"Fn::Equals": [PARAMETER, ""]}]}


@pytest.mark.parametrize(
    ("value", "is_valid"),
    [
        ("", True),
        ("*", True),
        ("https://app.example.com", True),
        ("http://localhost:3000,https://app.example.com", True),
        ("https://app.example.com/", False),
        ("https://app.example.com/path", False),
        ("app.example.com", False),
        ("https://app.example.com, https://b.example", False),
        ("*,https://app.example.com", False),
        ("https://*.example.com", False),
        ("null", False),
    ],
)
def test_parameter_accepts_origins_only(value: str, is_valid: bool):  # noqa: FBT001 - a test case
    pattern = source()["Parameters"]["CorsAllowOrigins"]["AllowedPattern"]
    assert (re.fullmatch(pattern, value) is not None) == is_valid


def test_api_allows_every_header_that_clients_send():
    cors = configuration("HttpApi")
    assert cors["AllowOrigins"] == ORIGINS
    assert {name.lower() for name in READ} | SDK_HEADERS <= set(cors["AllowHeaders"])
    assert "*" not in cors["AllowHeaders"]


def test_api_exposes_every_header_that_it_writes():
    assert set(configuration("HttpApi")["ExposeHeaders"]) >= WRITTEN


def test_api_allows_every_method():
    methods = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"}
    assert set(configuration("HttpApi")["AllowMethods"]) >= methods


def test_bucket_allows_uploads_from_the_origins_and_downloads_from_all():
    rules = {rule["Id"]: rule for rule in configuration("Bucket")["CorsRules"]}
    assert rules["uploads"]["AllowedMethods"] == ["PUT"]
    assert rules["uploads"]["AllowedOrigins"] == ORIGINS
    assert rules["downloads"]["AllowedMethods"] == ["GET", "HEAD"]
    assert rules["downloads"]["AllowedOrigins"] == ["*"]


def test_cloudfront_adds_the_header_that_the_bucket_would():
    config = translated()["Downloads"]["Properties"]["DistributionConfig"]
    policy = config["DefaultCacheBehavior"]["ResponseHeadersPolicyId"]
    simple_cors = "60669652-455b-4ae9-85a4-c4c02393f86c"
    assert policy == {"Fn::If": ["HasCors", simple_cors, {"Ref": "AWS::NoValue"}]}
