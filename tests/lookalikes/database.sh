#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# database.sh ROOT COMMAND…: the PostgreSQL of Debian 13 in ROOT, with config/site's own SQL; then the command, which finds it
# by $DAM_TEST_DATABASE. Started in namespaces of its own (unshare --mount --net): the server has a socket, and no network.
set -euo pipefail
debian13=$1 bin=/usr/lib/postgresql/17/bin
shift
inside() { chroot --userspec=postgres:postgres "$debian13" env -i PATH=$bin:/usr/bin:/bin LC_ALL=C.UTF-8 "$@"; }
stop() { inside pg_ctl -D /srv/data -m immediate stop >/dev/null 2>&1 || true; }

mkdir -p "$debian13"/{srv,run/secrets,dev}
mount -t tmpfs -o mode=0755 tmpfs "$debian13/srv"
mount -t tmpfs tmpfs "$debian13/dev" && touch "$debian13"/dev/{null,zero,urandom} && mkdir -m 1777 "$debian13/dev/shm"
for device in null zero urandom; do mount --bind "/dev/$device" "$debian13/dev/$device"; done
chown 999:999 "$debian13/srv"
echo "the app's word" >"$debian13/run/secrets/main-database"
cp config/site/main-server/database/{init,lookalikes}.sql "$debian13/srv"
trap stop EXIT
inside initdb -D /srv/data -A trust >/dev/null
# The superuser by the socket alone; everybody else by password.
inside sh -c 'printf "local all postgres trust\nlocal all all scram-sha-256\n" >/srv/data/pg_hba.conf'
inside pg_ctl -D /srv/data -w -t 60 -l /srv/log -o "-k /srv -c listen_addresses='' -c fsync=off" start >/dev/null
inside createdb -h /srv -U postgres site
run_sql() { inside DAM_PASSWORD="$2" psql -X -q -v ON_ERROR_STOP=1 -h /srv -U postgres -d site -f "/srv/$1"; }
run_sql init.sql ""
run_sql lookalikes.sql "an older word"
run_sql lookalikes.sql "its word"  # a second time: the password, and nothing else
DAM_TEST_DATABASE=$debian13/srv "$@"
