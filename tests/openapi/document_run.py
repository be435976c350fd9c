"""Send generated requests for each operation of an OpenAPI document, and check the responses."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from scripts.openapi.apis import APIS
from tests.openapi.application import application
from tests.openapi.known_values import requests
from tests.openapi.native_services import Apis, running_apis

DOCUMENTS = ("native", *(api.name for api in APIS))
"""Each operation is in one of them; the document of all has the same ones."""
HOST = "http://localhost/"
CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)
SHOWN_CHARACTERS = 700


@dataclass
class Report:
    document: str
    operations: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    violations: Counter[str] = field(default_factory=Counter)
    """By operation, status and kind."""
    examples: dict[str, str] = field(default_factory=dict)

    @property
    def cases(self) -> int:
        return self.statuses.total()

    def add(self, case: Case[Any], status: int, failure: Failure, log: str) -> None:
        kind = f"{case.operation.label}: {status}: {failure.title}"
        self.violations[kind] += 1
        example = f"{str(failure)[:SHOWN_CHARACTERS]}\n{case.as_curl_command()}\n{log}"
        self.examples.setdefault(kind, example)

    def shown(self) -> str:
        server_errors = sum(count for status, count in self.statuses.items() if status >= 500)
        accepted = sum(count for status, count in self.statuses.items() if status < 400)
        row = (
            f"{self.document:<10} {self.operations:>10} {self.cases:>6} {accepted:>8}"
            f" {server_errors:>13} {self.violations.total():>10}"
        )
        found = [f"{count} times {kind}" for kind, count in self.violations.most_common()]
        return "\n".join([row, *found, *self.examples.values()])


HEADING = "document   operations  cases accepted server errors violations"


def run_document(document: str, cases: int, first_seed: int = 0) -> Report:
    """Send `cases` requests for each operation of a document."""
    report = Report(document)
    with running_apis() as apis:
        schema = schemathesis.openapi.from_wsgi(f"/openapi/{document}.json", application)
        for result in schema.get_all_operations():
            report.operations += 1
            assert isinstance(result, Ok), result
            _run_operation(result.ok(), cases, first_seed, apis, report)
    return report


def _run_operation(operation: Any, cases: int, first_seed: int, apis: Apis, report: Report) -> None:
    @seed(first_seed)
    @settings(
        max_examples=cases,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(requests(operation, apis))
    def send(case: Case[Any]) -> None:
        apis.api.empty_log()
        apis.api.restore()
        headers = {"authorization": f"Bearer {apis.api.caller.key}"}
        response = case.call(base_url=HOST, headers=headers)
        report.statuses[response.status_code] += 1
        try:
            case.validate_response(response, checks=[*CHECKS])
        except FailureGroup as group:
            for failure in group.exceptions:
                log = apis.api.log.getvalue() if response.status_code >= 500 else ""
                report.add(case, response.status_code, failure, log)

    send()
