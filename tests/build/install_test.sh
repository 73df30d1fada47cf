#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# install_test.sh BUILD: what `cmake --install` of this build puts where, and whether it runs from there. The control plane is given no
# --web: it says itself where it looks for the page.
set -eu -o pipefail
where=$(mktemp -d)
trap 'rm -rf "$where"' EXIT
cmake --install "$1" --prefix "$where" >/dev/null
cd "$where"
for file in sbin/dam-dataplane sbin/dam-controlplane bin/damctl share/dam/dam.yaml share/dam/dam.schema.json share/dam/log.schema.json \
  share/dam/prometheus/alerts.yml share/dam/grafana/dashboards/dam-overview.json share/doc/*/LICENSE; do
  [[ -s $file ]] || { echo "$file is not installed" >&2 && exit 1; }
done
if [[ -e $1/web/index.html ]]; then
  cmp "$1/web/app.js" share/dam/web/app.js
elif [[ -e share/dam/web ]]; then
  echo "a page that was not built is installed" >&2 && exit 1
fi
[[ -z $(find . -name '*.py' -o -name __pycache__) ]] || { echo "generators are installed" >&2 && exit 1; }
bin/damctl check -f share/dam/dam.yaml
sbin/dam-dataplane --help >/dev/null
sbin/dam-controlplane --help | grep -q /usr/share/dam/web
