#!/usr/bin/env bash
# scan_workflows.sh — check the GitHub workflows: schema, expressions, permissions, pinned actions. Offline.
set -euo pipefail
exec .local/envs/scanners/bin/zizmor --quiet --offline --strict-collection .github/workflows
