"""The documentation site builds without a network, its links have targets, its search works."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import pytest
from typing_extensions import override

from local.packaging import ROOT
from tests.browser import BrowserUnavailableError, installed
from tests.devtools import controlled_page
from tests.e2e.programs import visible_variables

MKDOCS = ROOT / ".local/envs/docs/bin/mkdocs"
WITHOUT_NETWORK = {"https_proxy": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}
SEARCH = """
(() => {
  const field = document.querySelector(".md-search__input");
  field.focus();
  field.value = "idempotency";
  field.dispatchEvent(new KeyboardEvent("keyup", {bubbles: true}));
  field.dispatchEvent(new InputEvent("input", {bubbles: true}));
})()
"""


class QuietHandler(SimpleHTTPRequestHandler):
    @override
    def log_message(self, format: str, *args: object) -> None:
        """Write nothing."""


def build(repository: Path, site: Path) -> "subprocess.CompletedProcess[str]":
    command: list[str | Path] = [MKDOCS, "build", "--strict", "--site-dir", site]
    variables = {**visible_variables(), **WITHOUT_NETWORK, "NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(
        command, cwd=repository, env=variables, capture_output=True, text=True, check=False
    )


@contextmanager
def served(folder: Path) -> Iterator[str]:
    handler = partial(QuietHandler, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = build(ROOT, folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.parametrize(
    "page", ["index", "native-api", "runbook", "reference/errors", "decisions/index"]
)
def test_site_has_the_page(site: Path, page: str):
    assert "<h1" in (site / f"{page}.html").read_text("utf-8")


@pytest.mark.parametrize("link", ["none.md", "webhooks.md#no-such-part", "../none.toml"])
def test_broken_link_fails(tmp_path: Path, link: str):
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    (tmp_path / "tools/docs").mkdir(parents=True)
    shutil.copy(ROOT / "tools/docs/hooks.py", tmp_path / "tools/docs")
    for name in ("mkdocs.yml", "README.md"):
        shutil.copy(ROOT / name, tmp_path)
    page = tmp_path / "docs/uploads.md"
    page.write_text(f"{page.read_text('utf-8')}\n[x]({link})\n", "utf-8")
    done = build(tmp_path, tmp_path / "site")
    assert done.returncode != 0
    assert link.rpartition("/")[2] in done.stdout + done.stderr


def test_search_finds_a_page_without_another_server(site: Path):
    try:
        installed()
    except BrowserUnavailableError as error:
        pytest.skip(str(error))
    with served(site) as url, controlled_page() as page:
        page.open(f"{url}/index.html")
        page.wait_for("document.querySelector('.md-search__input') !== null")
        page.wait_for("document.readyState === 'complete'")
        page.value(SEARCH)
        page.wait_for("document.querySelectorAll('.md-search-result__item').length > 0")
        found = page.value("document.querySelector('.md-search-result__list').innerText")
        assert "idempotency" in found.lower()
        hosts = {
            urlsplit(request).hostname for request in page.requests if request.startswith("http")
        }
    assert hosts == {"127.0.0.1"}
