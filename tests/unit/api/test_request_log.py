"""The log line of a request names the caller, and only ids."""

import pytest

from rushes.api.request_log import ids_of

JOB = f"job_{'0a' * 16}"
ENDPOINT = f"we_{'1b' * 12}"
KEY = f"rk_0123456789abcdef_{'A' * 43}"


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"job_id": JOB}, {"job_id": JOB}),
        ({"job_id": f"{JOB}:sandbox"}, {"job_id": JOB}),
        ({"job_id": f"{JOB}%3Asandbox"}, {"job_id": JOB}),
        ({"endpoint_id": ENDPOINT}, {"endpoint_id": ENDPOINT}),
        (
            {"message_id": f"evt_{JOB}_completed"},
            {"message_id": f"evt_{JOB}_completed"},
        ),
        (
            {"message_id": f"evt_{ENDPOINT}_disabled_1800000000"},
            {"message_id": f"evt_{ENDPOINT}_disabled_1800000000"},
        ),
        ({"message_id": f"evt_test_{'0a' * 10}"}, {"message_id": f"evt_test_{'0a' * 10}"}),
        ({"job_id": KEY}, {}),
        ({"job_id": f"{JOB}:{KEY}"}, {}),
        ({"job_id": f"{JOB}\n"}, {}),
        ({"job_id": "sk-proj-0123456789"}, {}),
        ({"endpoint_id": KEY, "message_id": f"evt_{KEY}"}, {}),
        ({"step_0": KEY, "step_1": JOB}, {}),
    ],
)
def test_only_well_formed_ids_are_logged(variables: dict[str, str], expected: dict[str, str]):
    assert ids_of(variables) == expected
