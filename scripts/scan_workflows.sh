#!/usr/bin/env bash
# scan_workflows.sh [FOLDER] — check the GitHub workflows (schema, expressions, permissions, pinned actions) and the
# Dependabot configuration. Offline.
set -euo pipefail
exec .local/envs/scanners/bin/zizmor --quiet --offline --strict-collection "${1:-.github}"
