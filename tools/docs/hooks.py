"""Hooks of MkDocs: pages of docs/ link to files of the repository, which become part of the site.

README.md is the first page; other files are below `source/`. A link to a folder becomes its text.
"""

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
DOCS, SOURCE = "docs/", "source/"
LINK = re.compile(
    r"\[((?:[^\[\]]|\[[^\]]*\]\([^)]*\))*)\]\((?!https?:|#|mailto:)([^)#\s]+)(#[^)\s]*)?\)"
)
BADGE = re.compile(r"!\[([^\]]*)\]\(https?:[^)]*\)")
"""An image on another server, which becomes its text."""
DECISIONS = "decisions"
"""Entry of the navigation that stands for all pages of the folder."""


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    pages = sorted(path.name for path in (ROOT / DOCS / DECISIONS).glob("0*.md"))
    decisions = ["decisions/README.md", *(f"{DECISIONS}/{name}" for name in pages)]
    config.nav = [{"Decisions": decisions} if entry == DECISIONS else entry for entry in config.nav]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the files outside docs/ that the pages link to, and those that these link to."""
    files.append(File.generated(config, "index.md", abs_src_path=str(ROOT / "README.md")))
    waiting = [file for file in files if file.is_documentation_page()]
    while waiting:
        page = waiting.pop()
        text = Path(page.abs_src_path or "").read_text("utf-8")
        for _, link, _ in LINK.findall(text):
            target = repository_path(page.src_uri, link)
            uri = site_uri(target)
            if not uri.startswith(SOURCE) or files.get_file_from_path(uri):
                continue
            if not (ROOT / target).is_file():
                continue
            added = File.generated(
                config, uri, abs_src_path=str(ROOT / target), inclusion=InclusionLevel.NOT_IN_NAV
            )
            files.append(added)
            if added.is_documentation_page():
                waiting.append(added)
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    here = page.file.src_uri

    def rewritten(match: re.Match[str]) -> str:
        text, link, anchor = match[1], match[2], match[3] or ""
        target = repository_path(here, link)
        if (ROOT / target).is_dir():
            return text
        uri = posixpath.relpath(site_uri(target), posixpath.dirname(here) or ".")
        return f"[{LINK.sub(rewritten, text)}]({uri}{anchor})"

    return LINK.sub(rewritten, BADGE.sub(r"\1", markdown))


def repository_path(page_uri: str, link: str) -> str:
    """Return the path in the repository of a link on a page of the site."""
    if page_uri == "index.md":
        page = "README.md"
    elif page_uri.startswith(SOURCE):
        page = page_uri.removeprefix(SOURCE)
    else:
        page = DOCS + page_uri
    return posixpath.normpath(posixpath.join(posixpath.dirname(page), link))


def site_uri(path: str) -> str:
    if path == "README.md":
        return "index.md"
    return path.removeprefix(DOCS) if path.startswith(DOCS) else SOURCE + path
