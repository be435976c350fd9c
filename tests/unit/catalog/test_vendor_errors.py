"""Error codes of vendors are data: valid, unambiguous, and replaced by a configuration."""

import json

import pytest
from pydantic import ValidationError

from local.packaging import ROOT
from rushes.catalog.compile import compile_config
from rushes.catalog.provider_config import VendorErrors
from rushes.catalog.published_config import parse_catalog
from rushes.catalog.vendor_data import VENDORS, read_vendor, vendor_names
from rushes.ports.http import HttpReply
from rushes.providers.error_meaning import (
    GENERAL,
    Meaning,
    codes_in,
    has_created_nothing,
    known_code,
    matches,
)

CONFIG = """
    default_model = "kling/kling-3.0"
    [providers.kling]
    models = ["kling-3.0"]
"""


def errors_of(more: str = "") -> VendorErrors:
    return compile_config(f"{CONFIG}{more}").providers["kling"].errors


def test_provider_has_the_codes_of_its_vendor():
    assert errors_of() == read_vendor("kling").vendor.errors
    assert "1101" in errors_of().account


def test_configuration_replaces_single_lists():
    own = errors_of('errors = { not_created = ["503"], account = [] }')
    assert own.not_created == ("503",)
    assert own.account == ()
    assert own.model == read_vendor("kling").vendor.errors.model


@pytest.mark.parametrize("table", ['{ accounts = ["1"] }', '{ account = "1" }', "{ model = [1] }"])
def test_invalid_table_is_refused(table: str):
    with pytest.raises(ValidationError, match="errors"):
        errors_of(f"errors = {table}")


def test_text_must_be_in_lower_case():
    with pytest.raises(ValidationError, match="account_texts"):
        errors_of('errors = { account_texts = ["No Money"] }')


def test_provider_without_a_vendor_may_have_codes():
    catalog = compile_config("""
        default_model = "own/a"
        [providers.own]
        protocol = "openai_compatible"
        errors = { account = ["E17"] }
        [[models]]
        name = "own/a"
    """)
    assert catalog.providers["own"].errors.account == ("E17",)


def test_published_version_keeps_the_codes():
    catalog = compile_config(CONFIG)
    document = {"version": 1, "catalog": json.loads(catalog.model_dump_json())}
    read = parse_catalog(json.dumps(document).encode(), 1)
    assert read.providers["kling"].errors == catalog.providers["kling"].errors


def test_published_version_of_an_older_release_has_the_older_name_of_a_field():
    tables = json.loads(compile_config(CONFIG).model_dump_json())
    model = tables["models"][0]
    model["queue_seconds"] = 7
    del model["queue_timeout_seconds"]
    del tables["providers"]["kling"]["errors"]
    read = parse_catalog(json.dumps({"version": 1, "catalog": tables}).encode(), 1)
    assert read.find("kling/kling-3.0").queue_timeout_seconds == 7
    assert read.providers["kling"].errors == VendorErrors()


@pytest.mark.parametrize("vendor", vendor_names())
def test_code_of_a_vendor_has_one_meaning(vendor: str):
    errors = read_vendor(vendor).vendor.errors
    for meaning in Meaning:
        for code in getattr(errors, meaning.value):
            others = [
                other
                for other in Meaning
                if other is not meaning and matches(getattr(errors, other.value), code)
            ]
            assert others == [], f"{code} is in {meaning} and {others}"


@pytest.mark.parametrize("vendor", vendor_names())
def test_declared_statuses_are_server_errors(vendor: str):
    for code in read_vendor(vendor).vendor.errors.not_created:
        assert not code.isdigit() or 500 <= int(code) < 600


def test_vendor_with_its_own_meaning_takes_precedence():
    errors = read_vendor("dashscope").vendor.errors
    known = known_code(["insufficient_quota"], errors)
    assert known is not None
    assert known.meaning is Meaning.RETRYABLE
    general = known_code(["insufficient_quota"], VendorErrors())
    assert general is not None
    assert general.meaning is Meaning.ACCOUNT


@pytest.mark.parametrize(
    ("patterns", "code", "expected"),
    [
        (("insufficient_quota",), "InsufficientQuota", True),
        (("insufficient_quota",), "insufficient-quota", True),
        (("QuotaExceeded*",), "QuotaExceeded.Free", True),
        (("QuotaExceeded*",), "NoQuotaExceeded", False),
        (("*PerDay*",), "RequestsPerDayPerProject", True),
        (("1101",), "11011", False),
        (("402",), "402", True),
        ((), "x", False),
    ],
)
def test_code_matches_in_any_case(patterns: tuple[str, ...], code: str, expected: bool):  # noqa: FBT001
    assert matches(patterns, code) is expected


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        (b'{"error": {"code": "a", "type": "b", "status": "c"}}', ("a", "b", "c")),
        (b'{"error": "a", "code": 7}', ("a", "7")),
        (b'[{"error": {"code": 429}}]', ("429",)),
        (b'{"base_resp": {"status_code": 1008}}', ("1008",)),
        (b'{"detail": [{"type": "t", "input": {"code": "x"}}]}', ("t",)),
        (b'{"request": {"code": "x"}, "input": {"error": "y"}}', ()),
        (b'{"error": {"details": [{"violations": [{"quotaId": "q"}]}]}}', ("q",)),
        (b'{"code": true, "type": null, "status": [], "title": {}}', ()),
        (b"<html>", ()),
        (b"", ()),
        (b"[" * 100, ()),
        (b'{"code": "' + b"x" * 500 + b'"}', ()),
    ],
)
def test_codes_are_found_where_vendors_put_them(body: bytes, codes: tuple[str, ...]):
    assert codes_in(HttpReply(400, {}, body)) == codes


def test_long_body_is_not_searched():
    body = b'{"code": "402", "x": "' + b"y" * 300_000 + b'"}'
    assert codes_in(HttpReply(400, {}, body)) == ()


def test_code_in_a_header_is_found():
    reply = HttpReply(400, {"x-amzn-errortype": "ThrottlingException:http://x"}, b"{}")
    assert codes_in(reply) == ("ThrottlingException",)


def test_status_and_code_declare_that_nothing_was_created():
    errors = VendorErrors(not_created=("503", "overloaded"))
    assert has_created_nothing(HttpReply(503, {}, b""), errors)
    assert has_created_nothing(HttpReply(529, {}, b'{"error": {"code": "Overloaded"}}'), errors)
    assert not has_created_nothing(HttpReply(500, {}, b"503"), errors)


def test_general_codes_have_no_statuses_that_declare_nothing_created():
    assert GENERAL.not_created == ()


def test_shipped_vendor_files_explain_their_texts():
    """A text is compared only where the vendor publishes no code; the file says so."""
    for vendor in vendor_names():
        errors = read_vendor(vendor).vendor.errors
        if errors.account_texts or errors.model_texts:
            generated = ROOT / "scripts/fal_models/overrides.toml"
            source = generated if vendor == "fal" else VENDORS / f"{vendor}.toml"
            lines = source.read_text("utf-8").splitlines()
            (line,) = [line for line in lines if line.startswith("[vendor.errors]")]
            assert "no code" in line or "has the code of" in line or "not published" in line
