"""The deployed catalog including its commented examples."""

import re
from functools import cache

from rushes.catalog.models import CATALOG_FILE, Catalog, read_catalog


@cache
def catalog_with_examples() -> Catalog:
    return read_catalog(re.sub("(?m)^#: ", "", CATALOG_FILE.read_text("utf-8")))
