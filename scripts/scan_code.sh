#!/usr/bin/env bash
# scan_code.sh [PATH...] — fail if our code breaks a security rule of tools/ast-grep. Offline.
set -euo pipefail
ast_grep=.local/envs/scanners/bin/ast-grep
if [ $# -eq 0 ]; then
  "$ast_grep" test --config tools/ast-grep/sgconfig.yml --skip-snapshot-tests >/dev/null
  set -- layers/rushes functions local sandbox scripts bench examples
fi
exec "$ast_grep" scan --config tools/ast-grep/sgconfig.yml "$@"
