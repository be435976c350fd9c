"""Generated requests, in a small number; `make schemathesis` sends more than 20,000."""

import json

import pytest

from rushes.api import openapi
from tests.openapi.document_run import DOCUMENTS, run_document

CASES = 3
"""Of each operation."""


@pytest.mark.parametrize("document", DOCUMENTS)
def test_responses_are_as_documented(document: str):
    report = run_document(document, CASES)
    assert not report.violations, report.shown()
    assert report.cases >= report.operations


@pytest.mark.parametrize(
    ("part", "kind"),
    [("responses", "Undocumented status code"), ("schema", "Response violates schema")],
)
def test_difference_to_the_document_is_found(part: str, kind: str, monkeypatch: pytest.MonkeyPatch):
    document = json.loads(openapi._documents()["native"])
    path = document["paths"] = {"/rushes/v1/whoami": document["paths"]["/rushes/v1/whoami"]}
    responses = path["/rushes/v1/whoami"]["get"]["responses"]
    if part == "responses":
        path["/rushes/v1/whoami"]["get"]["responses"] = {"401": responses["401"]}
    else:
        responses["200"]["content"]["application/json"]["schema"] = {"type": "array"}
    monkeypatch.setattr(openapi, "_documents", lambda: {"native": json.dumps(document)})
    report = run_document("native", CASES)
    assert any(kind in found for found in report.violations), report.shown()
