#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# as_owner.sh FOLDER COMMAND…: runs it as whoever owns that build tree. Under sudo, what root writes there would be in the way of the
# owner's next build.
set -eu
owner=$(stat -c %U "$1")
shift
[[ $owner != "$(id -un)" ]] || exec "$@"
exec runuser -u "$owner" -- env HOME="$(getent passwd "$owner" | cut -d : -f 6)" "$@"
