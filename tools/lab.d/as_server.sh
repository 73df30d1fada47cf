#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# as_server.sh DIRECTORY COMMAND…: in a mount namespace of the caller's making, lays a server's directory where
# nginx's image has its files, and becomes the command. Nothing of it is seen outside.
set -eu
dir=$1
shift
mount --bind "$dir" /srv
mount --bind "$dir/nginx/nginx.conf" /etc/nginx/nginx.conf
mount --bind "$dir/nginx/conf.d" /etc/nginx/conf.d
mount --bind "$dir/logs" /var/log/nginx
exec "$@"
