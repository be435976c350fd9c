#!/usr/bin/env bash
# environment.sh UV GROUP FOLDER — make FOLDER hold exactly what uv.lock says of GROUP.
# The functions' own interpreter ("runtime") is Python 3.13 as on AWS where the machine has one.
set -euo pipefail
uv=$1 group=$2 folder=$3
python=python3
if [ "$group" = runtime ]; then
  python=$("$uv" python find --no-project 3.13 2>/dev/null || command -v python3)
fi
echo "installing the $group environment ($("$python" --version))"
rm -rf "$folder.new"
"$uv" venv --quiet --no-project --relocatable --python "$python" "$folder.new"
"$uv" export --quiet --frozen --only-group "$group" --no-emit-project --python "$python" |
  "$uv" pip sync --quiet --require-hashes --python "$folder.new/bin/python" -
# Changed in one go: what runs on the old one is not left without it for long.
rm -rf "$folder"
mv "$folder.new" "$folder"
