#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# core_compiles.sh itself must fail where core/ is no common subset any more.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
failed=0

# refuses SENTENCE TEXT: a tree whose types.h ends with TEXT must not pass
refuses() {
  rm -rf "$tree/dataplane"
  mkdir -p "$tree/dataplane"
  cp -r "$here/../../dataplane/core" "$tree/dataplane/core"
  echo "$2" >>"$tree/dataplane/core/types.h"
  if "$here/core_compiles.sh" "$tree" >/dev/null; then
    echo "FAILED  not noticed: $1"
    failed=1
  else
    echo "ok      noticed: $1"
  fi
}

refuses "C that is no C++" \
  'DAM_INLINE int* dam_oops(void* p) { return p; }'
refuses "an implicit narrowing" \
  'DAM_INLINE uint8_t dam_oops(uint32_t value) { return value; }'
refuses "a call to a library" \
  'void* memmem_far(void); __attribute__((used)) static void* dam_oops(void) { return memmem_far(); }'
exit $failed
