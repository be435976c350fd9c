"""The id of a request in the create call of a provider that documents a header for it."""

import pytest

from rushes.catalog.compile import compile_config
from rushes.catalog.models import Catalog
from rushes.catalog.vendor_data import read_vendor, vendor_names
from rushes.jobs.job import Job
from tests.harness import CATALOG, Harness, reply, video

HEADER = "x-client-request-id"


def with_header(name: str = HEADER) -> Catalog:
    provider = CATALOG.providers["sandbox"].model_copy(update={"request_id_header": name})
    return CATALOG.model_copy(update={"providers": {**CATALOG.providers, "sandbox": provider}})


def of_request(harness: Harness, job: Job, request_id: str | None = "req=1") -> Job:
    return harness.change(
        job,
        lambda job, _: job.model_copy(
            update={"request_id": request_id, "version": job.version + 1}
        ),
    )


def sent(harness: Harness) -> list[str | None]:
    """Return the header of each create call."""
    return [call.headers.get(HEADER) for call in harness.creates()]


def test_each_create_call_has_an_id_of_its_own_that_begins_with_the_requests():
    harness = Harness(catalog=with_header())
    job = of_request(harness, harness.accepted(reply(429), reply(429), video("queued")))
    for _ in range(3):
        harness.submit(job)
        harness.clock.advance(61)
    assert sent(harness) == ["req=1-1", "req=1-2", "req=1-3"]


def test_polls_have_no_such_header():
    harness = Harness(catalog=with_header())
    job = of_request(harness, harness.accepted(video("queued")))
    harness.submit(job)
    harness.answer("GET /videos/up-1", video("in_progress"))
    harness.poll(job)
    others = [call for call in harness.http_client.calls if call.method != "POST"]
    assert len(others) == 1
    assert HEADER not in others[0].headers


@pytest.mark.parametrize(
    ("catalog", "request_id"), [(CATALOG, "req=1"), (with_header(), None), (with_header(""), "r")]
)
def test_no_header_without_a_documented_one_or_without_an_id(
    catalog: Catalog, request_id: str | None
):
    harness = Harness(catalog=catalog)
    job = of_request(harness, harness.accepted(video("queued")), request_id)
    harness.submit(job)
    assert sent(harness) == [None]


def test_vendors_that_document_a_header_have_it():
    found = {name: read_vendor(name).vendor.provider().request_id_header for name in vendor_names()}
    assert {name: header for name, header in found.items() if header} == {
        "bifrost": "x-request-id",
        "byteplus": "x-client-request-id",
        "openai": "x-client-request-id",
        "rushes": "x-request-id",
    }


def test_configuration_gives_the_header_of_another_provider():
    catalog = compile_config("""
        default_model = "own/one"
        [providers.own]
        protocol = "openai_compatible"
        request_id_header = "x-correlation-id"
        [providers.openai]
        models = ["sora-2"]
        request_id_header = ""
        [[models]]
        name = "own/one"
        seconds = [4]
        sizes = ["1280x720"]
        """)
    assert catalog.providers["own"].request_id_header == "x-correlation-id"
    assert catalog.providers["openai"].request_id_header == ""


@pytest.mark.parametrize("name", ["X-Id", "a b", "x:y", "x\r\ny", "x" * 65])
def test_invalid_header_name_is_refused(name: str):
    with pytest.raises(ValueError, match="request_id_header"):
        read_vendor("openai").vendor.provider(request_id_header=name)
