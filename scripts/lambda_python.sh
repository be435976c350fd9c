#!/usr/bin/env bash
# lambda_python.sh: print the path of a Python 3.13, which compiles the layers as the functions load them.
# LAMBDA_PYTHON names one; otherwise each python3.13 on PATH is tried, as the first may be a shim of pyenv
# whose version is not active. With BYTECODE=no it prints nothing.
set -euo pipefail

if [ "${BYTECODE:-}" = no ]; then
  echo "BYTECODE=no: the layers have no bytecode, so that a cold start takes about twice as long" >&2
  exit 0
fi
if [ -n "${BYTECODE:-}" ] && [ "$BYTECODE" != yes ]; then
  echo "BYTECODE must be yes or no (got $BYTECODE)" >&2
  exit 1
fi

works() {
  "$1" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' >/dev/null 2>&1
}

if [ -n "${LAMBDA_PYTHON:-}" ]; then
  if works "$LAMBDA_PYTHON"; then
    echo "$LAMBDA_PYTHON"
    exit 0
  fi
  echo "LAMBDA_PYTHON=$LAMBDA_PYTHON is not a working Python 3.13" >&2
  exit 1
fi
found=
while IFS= read -r candidate; do
  found+=" $candidate"
  if works "$candidate"; then
    echo "$candidate"
    exit 0
  fi
done < <(type -aP python3.13 || true)

{
  echo "make build needs Python 3.13 for the bytecode of the layers: without it, a cold start takes about twice as long."
  if [ -n "$found" ]; then
    echo "Not working:$found"
    echo "With pyenv, activate a version: PYENV_VERSION=3.13.0 make build"
  fi
  echo "Install Python 3.13 so that \`python3.13\` runs, name one with LAMBDA_PYTHON=/path/to/python3.13,"
  echo "or build without bytecode: make build BYTECODE=no"
} >&2
exit 1
