#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2086,SC2317  # $warnings is a list of words; check calls functions by name
# core/ is one source for every plane: it must compile without a warning as C17, as C++20 and for the
# BPF target, header by header too, and leave no call to a library behind. Loads nothing.
# usage: core_compiles.sh [ROOT]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=${1:-$here/../..}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
warnings="-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Werror"
failed=0

# check SENTENCE COMMAND...: says ok or FAILED, with what the command had to say
check() {
  local sentence=$1
  shift
  if "$@" >"$out/log" 2>&1; then
    echo "ok      $sentence"
  else
    echo "FAILED  $sentence"
    sed 's/^/        /' "$out/log" | head -40
    failed=1
  fi
}

no_library_calls() {
  # Symbol 0 is undefined in every object file.
  ! readelf -sW "$1" | awk '$7 == "UND" && $8 != "" {print "calls " $8; found = 1} END {exit !found}'
}

for header in "$root"/dataplane/core/*.h; do
  name=dataplane/core/$(basename "$header")
  check "all_core.c includes $name" grep -qF "\"$name\"" "$here/all_core.c"
  check "$name compiles alone" \
    gcc -std=c17 $warnings -I"$root" -include "$name" -fsyntax-only -x c /dev/null
done

source=$here/all_core.c
check "C17, gcc" gcc -std=c17 -O2 $warnings -I"$root" -c "$source" -o "$out/gcc.o"
check "C17, clang" clang -std=c17 -O2 $warnings -I"$root" -c "$source" -o "$out/clang.o"
check "C++20, g++" g++ -std=c++20 -O2 $warnings -I"$root" -x c++ -c "$source" -o "$out/gxx.o"
check "C++20, clang++" \
  clang++ -std=c++20 -O2 $warnings -I"$root" -x c++ -c "$source" -o "$out/clangxx.o"
check "BPF, clang" clang -target bpf -mcpu=v3 -ffreestanding -O2 -g $warnings -I"$root" \
  -c "$source" -o "$out/bpf.o"
for object in gcc clang gxx clangxx bpf; do
  [ -e "$out/$object.o" ] && check "$object: no library calls" no_library_calls "$out/$object.o"
done
exit $failed
