"""Every answer, event and webhook body is the same as the golden files have it.

`golden_cases` says how the files are rewritten, `golden_recorder` what is compared.
"""

import re

import pytest

from rushes.api.webhooks.routes import ROUTES
from rushes.dialects import DIALECTS
from tests.contract.golden_cases import GROUPS, recorded
from tests.contract.golden_recorder import difference, normalised, read_golden

DIALECT_ROUTES = {(it.method, it.path) for dialect in DIALECTS for it in dialect.routes}
ALL_ROUTES = sorted(DIALECT_ROUTES | {(it.method, it.path) for it in ROUTES})
CASES = [(group, name) for group in GROUPS for name in read_golden(group)]


@pytest.mark.parametrize(("group", "name"), CASES, ids=[f"{group}: {it}" for group, it in CASES])
def test_case_is_unchanged(group: str, name: str):
    found = difference(group, read_golden(group)[name], recorded(group).get(name))
    if found:
        pytest.fail(found, pytrace=False)


@pytest.mark.parametrize("group", GROUPS)
def test_file_has_every_case(group: str):
    assert sorted(recorded(group)) == sorted(read_golden(group))


@pytest.mark.parametrize(("method", "path"), ALL_ROUTES, ids=[" ".join(it) for it in ALL_ROUTES])
def test_route_has_a_case(method: str, path: str):
    pattern = re.compile(re.sub(r"<\w+>", "[^/]+", path))
    requests = [case["request"] for group in GROUPS for case in read_golden(group).values()]
    assert any(
        it.get("method") == method and pattern.fullmatch(it.get("path", "")) for it in requests
    ), f"{method} {path} has no golden case"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('{"message":"not that"}', '{"message":"<sentence>"}'),
        ('{"detail": "a \\"b\\" c", "code": "x"}', '{"detail": "<sentence>", "code": "x"}'),
        ('{"error": "timeout"}', '{"error": "timeout"}'),
        ('{"detail": "Request is still in progress"}',) * 2,
        ('{"message": "40 % done"}',) * 2,
        ('{"prompt": "a cat", "text": "a cat"}',) * 2,
        ('{"provider": "sandbox"}', '{"provider": "<sample provider>"}'),
    ],
)
def test_only_sentences_are_taken_out(body: str, expected: str):
    assert normalised(body) == expected
