#!/usr/bin/env bash
# Installs the build, finds it with find_package(attune) from another project, and runs the example on a tiny model.
# usage: check.sh SOURCE_DIR BUILD_DIR
set -euo pipefail
source_dir=$1 build_dir=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cmake --install "$build_dir" --prefix "$work/prefix" > "$work/log"
cmake -S "$source_dir/examples/api" -B "$work/example" -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_BUILD_TYPE=Release >> "$work/log"
cmake --build "$work/example" >> "$work/log" || { cat "$work/log"; exit 1; }
mkdir "$work/data"
for split in train validation test; do head -n 61 "$source_dir/examples/reviews/$split.csv" > "$work/data/$split.csv"; done
model="$source_dir/tests/golden/models/bert/variants/bare"
[ -f "$model/tokenizer.json" ] || { cp -r "$model" "$work/model"; cp "$source_dir"/tests/golden/models/bert/{tokenizer.json,tokenizer_config.json,vocab.txt} "$work/model"; model="$work/model"; }
out=$("$work/example/reviews" "$model" "$work/data" "$work/out")
echo "$out"
grep -q '^trained [1-9]' <<< "$out"
grep -q '^accuracy 0\.' <<< "$out"
grep -q '^merged into' <<< "$out"
test -f "$work/out/merged/model.safetensors"
"$work/prefix/bin/attune" --version
