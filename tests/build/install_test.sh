#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# install_test.sh BUILD: what `cmake --install` of this build puts where (below a root of its own), and whether it runs from there. The
# control plane serves the page from the place where it looks for it unless told otherwise.
set -eu -o pipefail
where=$(mktemp -d) served=
trap '[[ -z $served ]] || { kill "$served" && wait "$served" || :; }; rm -rf "$where"' EXIT
DESTDIR=$where cmake --install "$1" >/dev/null
[[ -d $where/usr ]] || { echo "not under /usr: cmake --preset release sets where" >&2 && exit 1; }
cd "$where/usr"
for file in sbin/dam-dataplane sbin/dam-controlplane bin/damctl share/dam/dam.yaml share/dam/dam.schema.json share/dam/log.schema.json \
  share/dam/prometheus/alerts.yml share/dam/grafana/dashboards/dam-overview.json share/doc/*/copyright; do
  [[ -s $file ]] || { echo "$file is not installed" >&2 && exit 1; }
done
[[ -z $(find . -name '*.py' -o -name __pycache__) ]] || { echo "generators are installed" >&2 && exit 1; }
bin/damctl check -f share/dam/dam.yaml
sbin/dam-dataplane --help >/dev/null
web=$(sbin/dam-controlplane --help | sed -n 's/^ *--web TEXT=\([^ ]*\).*/\1/p')
[[ $web == /usr/* ]] || { echo "no place of the page in dam-controlplane --help: \"$web\"" >&2 && exit 1; }
if [[ ! -e $1/web/index.html ]]; then
  [[ ! -e $where$web ]] || { echo "a page that was not built is installed" >&2 && exit 1; }
  exit 0
fi
sbin/dam-controlplane --config share/dam/dam.yaml --state none --metrics-address none --log-folder "$where" --web "$where$web" \
  --dataplane-socket "$where/dataplane.sock" --api-socket "$where/control.sock" >"$where/log" 2>&1 &
served=$!
curl -sS --retry 20 --retry-delay 1 --retry-all-errors --unix-socket "$where/control.sock" http://localhost/app.js 2>>"$where/log" |
  cmp "$1/web/app.js" - || { cat "$where/log" >&2 && exit 1; }
