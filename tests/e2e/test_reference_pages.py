"""The reference of a running stack in a browser: it is complete, and asks no other server."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from local.stack import Stack
from tests.browser import BrowserUnavailableError, installed
from tests.devtools import Page, controlled_page


@pytest.fixture
def page() -> Iterator[Page]:
    try:
        installed()
    except BrowserUnavailableError as error:
        pytest.skip(str(error))
    with controlled_page() as page:
        yield page


def hosts(page: Page) -> set[str]:
    addresses = (urlsplit(url) for url in page.requests)
    return {address.hostname or "" for address in addresses if address.scheme.startswith("http")}


@pytest.mark.parametrize(
    ("name", "path"), [("native", "/rushes/v1/jobs"), ("openai", "/openai/v1/videos")]
)
def test_operations_are_shown_without_another_server(
    stack: Stack, page: Page, name: str, path: str
):
    page.open(f"{stack.url}/docs?api={name}")
    page.wait_for(f"document.body.innerText.includes('{path}')")
    assert hosts(page) == {"127.0.0.1"}


def test_error_of_a_problem_is_on_the_page(stack: Stack, page: Page):
    page.open(f"{stack.url}/docs/errors#budget_exceeded")
    page.wait_for("document.querySelector('h2:target') !== null")
    assert page.value("document.querySelector('h2:target').innerText") == "budget_exceeded"
    page.wait_for("getComputedStyle(document.querySelector('main')).maxWidth !== 'none'")
    assert hosts(page) == {"127.0.0.1"}
