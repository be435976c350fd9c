"""The catalog of the repository's rushes.toml, compiled once."""

from functools import cache

from local.stack import CONFIG_FILE
from rushes.catalog.compile import compile_config
from rushes.catalog.models import Catalog


@cache
def default_catalog() -> Catalog:
    return compile_config(CONFIG_FILE.read_text("utf-8"))
