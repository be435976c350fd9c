"""The api function's answers to a sample of the corpora; `make corpora` sends all of them.

No case may end in a status of 500 or above, in an error that the dialect does not have, or in a
response or log line with an API key or another account's data.
"""

from dataclasses import replace
from typing import Any

import pytest

from rushes.api import jobs
from rushes.api.job_service import JobService
from rushes.dialects.base import HttpResponse
from rushes.dialects.openai_videos.openai import OpenAIDialect
from tests.security.corpora.api import running_api
from tests.security.corpora.case import Case, json_test_suite, naughty_strings
from tests.security.corpora.check import problems
from tests.security.corpora.families import MINIMUM, count, run
from tests.security.corpora.routes import all_routes, body_routes, error_message

SAMPLE = 10
each_family = pytest.mark.parametrize("family", MINIMUM)


@each_family
def test_sample_is_answered(family: str):
    report = run(family, every=SAMPLE)
    assert not report.findings, report.shown()
    assert report.cases >= MINIMUM[family] / SAMPLE


@each_family
def test_family_has_its_number_of_cases(family: str):
    assert count(family) >= MINIMUM[family]


def test_vendored_cases_are_complete():
    assert len(json_test_suite()) == 318
    assert len(naughty_strings()) == 511


def test_every_route_with_a_body_is_covered():
    """Each POST route of the function is one of the corpus or only another path of one."""
    paths = {route.path.replace("{finished_job}", "<job_id>") for route in body_routes()}
    paths = {path.replace("{endpoint}", "<endpoint_id>") for path in paths}
    paths = {path.replace("{message}", "<message_id>") for path in paths}
    others = ("<step_", "/bifrost/", "/openai/v1/webhook", "/v1/v2/", "/v2/v2/", "/extensions")
    posts = [path for method, path in all_routes() if method == "POST"]
    known = {path for path in posts if not any(text in path for text in others)}
    without_body = {"/v1/input/upload-url", "/v1/videos/characters", "/openai/v1/videos/characters"}
    other_paths = {"/videos"}  # of /v2/videos
    assert known - paths - without_body - other_paths == set()


def test_crash_is_found(monkeypatch: pytest.MonkeyPatch):
    def fail(_: Any) -> HttpResponse:
        raise ZeroDivisionError

    monkeypatch.setitem(jobs.HANDLERS, "remix", fail)
    report = run("json", every=400)
    assert any("status 500" in finding for finding in report.findings)


def test_wrong_envelope_is_found(monkeypatch: pytest.MonkeyPatch):
    response = HttpResponse(400, '{"detail": "wrong"}', {"content-type": "application/json"})
    monkeypatch.setattr(OpenAIDialect, "write_error", lambda *_: response)
    report = run("json", every=400)
    assert any("without an error of the dialect" in finding for finding in report.findings)


def test_key_in_a_response_or_in_the_log_is_found():
    with running_api() as api:
        case = Case("own", "GET", "/openai/v1/videos")
        answer = api.send(case)
        assert [*problems(api, case, answer)] == []
        quoting = replace(answer, text=f'{{"id": "{api.caller.key}"}}')
        assert [*problems(api, case, quoting)] == ["the response contains an API key"]
        api.log.write(api.owner.key)
        assert [*problems(api, case, answer)] == ["the log contains an API key"]


def test_data_of_another_account_is_found():
    with running_api() as api:
        case = Case("own", "GET", "/openai/v1/videos")
        answer = api.send(case, api.owner.key)
        assert [*problems(api, case, answer)] == ["the response contains another account's data"]


def test_accepted_wrong_key_is_found(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("rushes.api.auth.hmac.compare_digest", lambda *_: True)
    report = run("keys", every=5)
    assert any("a wrong key is answered with 200" in finding for finding in report.findings)


def test_missing_tenant_check_is_found(monkeypatch: pytest.MonkeyPatch):
    get = JobService.get
    monkeypatch.setattr(JobService, "get", lambda self, _, job_id: get(self, "bob", job_id))
    report = run("tenancy", every=40)
    assert any("differs from an absent id" in finding for finding in report.findings)
    native = run("native", every=15)
    assert any("differs from an absent id" in finding for finding in native.findings)


def test_missing_scope_check_is_found(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("rushes.api.native.dispatcher.require_scope", lambda *_: None)
    report = run("native", every=15)
    assert any(finding.startswith("admin.") for finding in report.findings)


@pytest.mark.parametrize(
    ("path", "text", "message"),
    [
        ("/openai/v1/videos", '{"error": {"message": "m"}}', "m"),
        ("/openai/v1/videos", '{"detail": "m"}', None),
        ("/v1/videos", '{"error": {"message": "m"}}', None),
        ("/v1/videos", '{"is_bifrost_error": true, "error": {"message": "m"}}', "m"),
        ("/fal/x", '{"detail": "m"}', "m"),
        ("/fal/x", '{"detail": [{"loc": ["body"], "msg": "m", "type": "t"}]}', "m"),
        ("/fal/x", '{"detail": []}', None),
        ("//v1//async/x/", '{"message": "m"}', "m"),
        ("/v1/async/x", '{"message": "m"}', "m"),
        ("/v1/async/x", '{"message": ""}', None),
        ("/v2/videos", "<html>", None),
        ("/v2/videos", "[]", None),
    ],
)
def test_error_message_needs_the_envelope_of_the_path(path: str, text: str, message: str | None):
    assert error_message(path, text) == message
