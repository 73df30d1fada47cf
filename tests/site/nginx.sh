#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# nginx.sh COMPOSE FOLDER ROLE ROOT: nginx -t, by the nginx in ROOT, on what a role's container has: the template filled in with
# the environment that Compose gives it. Started in namespaces of its own (unshare --mount --net).
set -euo pipefail
compose=$1 folder=$2 role=$3 root=${4%/}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir"/{nginx/conf.d,logs,tmp,locations}
cp -r "$folder/$role-server/srv/tls" "$dir"
cp "$folder/$role-server/shared/nginx/nginx.conf" "$dir/nginx"
mapfile -t environment < <(cd "$folder" && COMPOSE_PROFILES=$role "$compose" config --format json | python3 -c "
import json, sys
given = json.load(sys.stdin)['services']['$role-nginx']['environment']
print(*(f'{name}={value}' for name, value in given.items() if name.startswith('${role^^}_')), sep='\n')")
env -i "${environment[@]}" envsubst "$(printf "\${%s} " "${environment[@]%%=*}")" \
  <"$folder/$role-server/nginx/templates/$role.conf.template" >"$dir/nginx/conf.d/$role.conf"
if grep -F "\${${role^^}_" "$dir/nginx/conf.d/$role.conf" | grep -v '^#'; then echo "not filled in" && exit 1; fi

ip link set lo up
mkdir -p "$root"/{srv,dev,var/log/nginx,etc/nginx/conf.d}
mount --bind "$dir" "$root/srv"
mount --bind "$dir/nginx/nginx.conf" "$root/etc/nginx/nginx.conf"
mount --bind "$dir/nginx/conf.d" "$root/etc/nginx/conf.d"
mount --bind "$dir/logs" "$root/var/log/nginx"
[[ -z $root ]] || { mount -t tmpfs tmpfs "$root/dev" && touch "$root/dev/null" && mount --bind /dev/null "$root/dev/null"; }
chroot "$root/" nginx -v
said=$(chroot "$root/" nginx -t 2>&1) || { echo "$said" && exit 1; }
# 1.25 and later find `listen … http2` old; nothing else may be odd.
if grep -E '\[(warn|error|emerg)\]' <<<"$said" | grep -v 'the "listen ... http2" directive is deprecated'; then exit 1; fi
umount "$root/var/log/nginx" "$root/etc/nginx/conf.d" "$root/etc/nginx/nginx.conf" "$root/srv"
