#!/usr/bin/env bash
# Build the documentation site, .local/site. A broken link or a page outside the navigation is an error.
set -euo pipefail
cd "$(dirname "$0")/.."
NO_MKDOCS_2_WARNING=1 .local/envs/docs/bin/mkdocs build --strict --clean
echo "$(find .local/site -name '*.html' | wc -l) pages in .local/site"
