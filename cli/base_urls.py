"""Base URLs of providers, checked by their text: the functions would refuse them at each call."""

from rushes.catalog.models import Catalog
from rushes.errors import UrlNotAllowed
from rushes.http.ssrf import PORTS, read_origin

PLACEHOLDER = "{project}"
"""Replaced by the project of a Google service account."""


def base_url_error(url: str, *, allows_http: bool) -> str | None:
    """Return what is wrong with a base URL. Only a local stack allows http."""
    text = url.replace(PLACEHOLDER, "project")
    if set(text) & set("{}?#"):
        return (
            f"must be a URL without a query, a fragment and placeholders other than {PLACEHOLDER}"
        )
    try:
        scheme = read_origin(text).scheme
    except UrlNotAllowed as error:
        return error.message
    if scheme == "https" or (allows_http and scheme in PORTS):
        return None
    return f"must use https (got {scheme})"


def http_base_urls(catalog: Catalog) -> dict[str, str]:
    """Return the base URLs by provider that only a local stack allows."""
    urls = {name: entry.base_url for name, entry in catalog.providers.items() if entry.base_url}
    return {name: url for name, url in urls.items() if base_url_error(url, allows_http=False)}
