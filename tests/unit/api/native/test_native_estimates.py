"""Estimates: the price and the values of a job, without the job."""

from typing import Any

import pytest

from rushes.catalog.models import read_catalog
from tests.unit.api.native.native_caller import CATALOG, JOBS, NativeCaller, assert_problem

ESTIMATE = "/rushes/v1/estimate"
REQUESTS: list[dict[str, Any]] = [
    {},
    {"model": "boat"},
    {"model": "", "seconds": 8},
    {"model": "boat", "seconds": None},
    {"model": "sandbox/image", "seconds": None},
    {"model": "sandbox/voice", "seconds": None},
    {"fallbacks": ["spare/video"]},
    {"inputs": [{"role": "image", "url": "https://example.com/a.png"}]},
]


@pytest.mark.parametrize("fields", REQUESTS)
def test_estimate_is_what_a_create_call_charges(native: NativeCaller, fields: dict[str, Any]):
    dry = native.create_job(dry_run=True, **fields)
    assert dry.status == 200
    assert not dry.has_side_effects
    body = {"model": "sandbox/video", "prompt": "a paper boat", "seconds": 4, **fields}
    other = native.send("POST", ESTIMATE, body)
    assert other.json == dry.json
    assert not other.has_side_effects
    job = native.create_job(**fields).json
    assert job["cost"]["estimated"] == dry.json["estimated"]
    assert (job["made_by"], job["provider"]) == (dry.json["resolved_model"], dry.json["provider"])
    first, *others = dry.json["candidates"]
    assert {name: job["parameters"][name] for name in ("seconds", "size")} == {
        name: first[name] for name in ("seconds", "size")
    }
    assert job["fallbacks"] == [candidate["model"] for candidate in others]


def test_reserved_is_the_price_of_the_dearest_model(native: NativeCaller):
    native.use(CATALOG.model_copy(update={"limits": budget("100.0")}))
    dry = native.create_job(model="boat", dry_run=True).json
    assert (dry["estimated"], dry["reserved"]) == (0.4, 1.0)
    assert native.jobs.spent == {}
    native.new_job(model="boat")
    assert list(native.jobs.spent.values()) == [1.0]


def test_request_above_the_whole_budget_is_refused(native: NativeCaller):
    native.use(CATALOG.model_copy(update={"limits": budget("0.5")}))
    for dry_run in (True, False):
        reply = native.create_job(model="boat", dry_run=dry_run)
        assert_problem(reply, 429, code="budget_exceeded", text="more than the daily budget")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"seconds": 9}, "seconds"),
        ({"model": "nope"}, "model"),
        ({"inputs": [{"role": "image", "url": "http://169.254.169.254/"}]}, "inputs.0.url"),
        ({"inputs": [{"role": "image", "upload": "0a.png"}]}, "inputs.0.upload"),
        ({"inputs": [{"role": "image", "url": "data:image/png;base64,AAAA"}]}, "inputs.0.url"),
        ({"webhook": {"url": "https://127.0.0.1/"}}, "webhook.url"),
        ({"tags": {"": "x"}}, "tags"),
    ],
)
def test_estimate_refuses_what_a_create_call_refuses(
    native: NativeCaller, fields: dict[str, Any], param: str
):
    created, dry = native.create_job(**fields), native.create_job(dry_run=True, **fields)
    assert_problem(created, 400, param)
    assert_problem(dry, 400, param)
    assert created.json == dry.json


def test_changed_values_are_warnings(native: NativeCaller):
    native.use(
        read_catalog("""
        default_model = "any"
        [providers.sandbox]
        protocol = "openai_compatible"
        [aliases.any]
        models = ["sandbox/video"]
        on_mismatch = "nearest"
        [[models]]
        name = "sandbox/video"
        seconds = [4, 8]
        """)
    )
    dry = native.create_job(model="any", seconds=7, dry_run=True).json
    assert dry["candidates"][0]["seconds"] == 8
    assert "8" in dry["warnings"][0]
    assert dry["price_known"] is True


def test_estimate_is_not_a_field_of_itself(native: NativeCaller):
    reply = native.send("POST", ESTIMATE, {"prompt": "x", "dry_run": True})
    assert_problem(reply, 400, "dry_run")
    assert native.send("GET", JOBS).json["data"] == []


def budget(dollars: str) -> Any:
    text = f"""
    default_model = "sandbox/one"
    [limits]
    daily_dollars = {dollars}
    [providers.sandbox]
    protocol = "openai_compatible"
    [[models]]
    name = "sandbox/one"
    """
    return read_catalog(text).limits
