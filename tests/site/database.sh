#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# database.sh ROOT INIT.SQL: runs init.sql on the PostgreSQL in ROOT as its image would, and searches as the app. Started in
# namespaces of its own (unshare --mount --net): the server has a socket, and no network.
set -euo pipefail
debian13=$1
init=$2
bin=/usr/lib/postgresql/17/bin
inside() { chroot --userspec=postgres:postgres "$debian13" env -i PATH=$bin:/usr/bin:/bin LC_ALL=C.UTF-8 "$@"; }
sql() { inside psql -X -q -A -t -v ON_ERROR_STOP=1 -h /srv -d site "$@"; }
as_app() { PGOPTIONS='' sql -U app "$@"; }
stop() { inside pg_ctl -D /srv/data -m immediate stop >/dev/null 2>&1 || true; }
say() { printf '%s\n' "$*"; }

mkdir -p "$debian13"/{srv,run/secrets,dev}
mount -t tmpfs -o mode=0755 tmpfs "$debian13/srv"
mount -t tmpfs tmpfs "$debian13/dev" && touch "$debian13"/dev/{null,zero,urandom} && mkdir -m 1777 "$debian13/dev/shm"
for device in null zero urandom; do mount --bind "/dev/$device" "$debian13/dev/$device"; done
chown 999:999 "$debian13/srv"
echo "the app's word" >"$debian13/run/secrets/main-database"
cp "$init" "$debian13/srv/init.sql"
trap stop EXIT
inside initdb -D /srv/data -A trust --data-checksums >/dev/null
inside pg_ctl -D /srv/data -w -t 60 -l /srv/log -o "-k /srv -c listen_addresses='' -c random_page_cost=1.1" start >/dev/null
inside createdb -h /srv site
sql -f /srv/init.sql

# 3,000 documents in 30 directions, so that near and far are real; always the same.
as_app <<'SQL'
select setseed(0.5);
create temporary table directions as
  select d, (select array_agg(random() - 0.5 + 0 * d * i) from generate_series(1, 384) i) as v from generate_series(1, 30) d;
insert into documents (title, body, embedding)
  select 'of ' || d, 'text ' || n,
    (select array_agg(x + 0.3 * (random() - 0.5) + 0 * n) from unnest(v) x)::vector
  from directions, generate_series(1, 100) n;
analyze documents;
SQL

expect() { # SENTENCE WANTED GOT
  [[ $3 == "$2" ]] || { say "$1: \"$3\" instead of \"$2\""; exit 1; }
}
expect "the app is a superuser" f "$(sql -c "select rolsuper from pg_roles where rolname = 'app'")"
expect "the app's password" t "$(sql -c "select rolpassword like 'SCRAM%' from pg_authid where rolname = 'app'")"
found=$(as_app -c "select id, title, round(nearness::numeric, 3) from nearest_documents((select embedding from documents where id = 1), 10)")
expect "the nearest is the document itself" "1|of 1|1.000" "$(head -n 1 <<<"$found")"
expect "all ten lie in its direction" 10 "$(grep -c '|of 1|' <<<"$found")"
expect "as many as asked for" 80 "$(as_app -c "select count(*) from nearest_documents((select embedding from documents where id = 7), 80)")"

# The plan of the query inside the function, as it was run.
plan=$(sql 2>&1 <<'SQL'
load 'auto_explain';
set auto_explain.log_min_duration = 0;
set auto_explain.log_nested_statements = on;
set client_min_messages = log;
set search_path = app, public;
select count(*) from nearest_documents((select embedding from documents where id = 1), 5);
SQL
)
grep -q 'Index Scan using documents_embedding on documents' <<<"$plan" || { say "the function does not use the index:"; cut -c1-300 <<<"$plan"; exit 1; }
explained=$(as_app -c "explain select id from documents order by embedding <=> (select embedding from documents where id = 1) limit 5")
grep -q 'Index Scan using documents_embedding' <<<"$explained" || { say "$explained"; exit 1; }
expect "the index is HNSW" "hnsw" "$(sql -c "select am.amname from pg_class c join pg_am am on am.oid = c.relam where c.relname = 'documents_embedding'")"
# The same ten without the index.
exact=$(PGOPTIONS='' sql -U app <<'SQL'
set enable_indexscan = off;
select id, title, round(nearness::numeric, 3) from nearest_documents((select embedding from documents where id = 1), 10);
SQL
)
same=$(sort <(echo "$found") <(echo "$exact") | uniq -d | wc -l)
((same >= 8)) || { say "only $same of the ten nearest are found by the index"; exit 1; }
say "$same of the ten nearest are found by the index"
# The image runs it once: a second time must fail whole, and leave what there is.
if sql -f /srv/init.sql >/dev/null 2>&1; then say "init.sql ran twice"; exit 1; fi
expect "documents are still there" 3000 "$(as_app -c 'select count(*) from documents')"
