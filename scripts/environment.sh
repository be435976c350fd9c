#!/usr/bin/env bash
# environment.sh UV FOLDER OPTION... — make FOLDER hold exactly what `uv export OPTION...` reads from a lock.
# The functions' own interpreter ("runtime") is Python 3.13 as on AWS where the machine has one.
set -euo pipefail
uv=$1 folder=$2
shift 2
name=$(basename "$folder") python=python3
if [ "$name" = runtime ]; then
  python=$("$uv" python find --no-project 3.13 2>/dev/null || command -v python3)
fi
echo "installing the $name environment ($("$python" --version))"
rm -rf "$folder.new"
"$uv" venv --quiet --no-project --relocatable --python "$python" "$folder.new"
"$uv" export --quiet --frozen --no-emit-project --python "$python" "$@" |
  "$uv" pip sync --quiet --require-hashes --python "$folder.new/bin/python" -
# Changed in one go: what runs on the old one is not left without it for long.
rm -rf "$folder"
mv "$folder.new" "$folder"
