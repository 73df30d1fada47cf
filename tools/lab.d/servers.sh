# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2154  # variables of the tool that sources this
# The two servers: certificates, pages, nginx, the small app. Each server's files lie in its own
# directory $state/NODE, its key readable by root alone.

declare -A server_names=([service]="www.example.org api.example.org" [management]="manage.example.org")

servers_up() {
  local node
  authority_up || return 1
  for node in service management; do
    mkdir -p "$state/$node"/{tls,www,acme/.well-known/acme-challenge,tmp,logs}
    certificates_up "$node" && pages_up "$node" && server_start "$node" || return 1
  done
  for node in service management; do
    wait_until 5 listens "$node" || {
      echo "nginx on $node does not listen; see $state/$node/logs" >&2
      return 1
    }
  done
}

listens() { [[ -n $(in_node "$1" ss -Hltn 'sport = :443') ]]; }

authority_up() {
  local dir=$state/authority
  [[ -s $dir/ca.pem ]] && return 0
  mkdir -p "$dir" && (
    umask 077
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
      -subj "/O=Traffic Dam lab/CN=Lab authority" -keyout "$dir/ca.key" -out "$dir/ca.pem"
  ) 2>"$dir/openssl.log" && chmod 644 "$dir/ca.pem"
}

# A certificate and a key for each name: browsers send requests for all names of a certificate over one
# connection, and the dam would count them in the zone of the name that opened it.
certificates_up() {
  local name
  for name in ${server_names[$1]}; do certificate_up "$state/$1/tls/${name%%.*}" "$name" || return 1; done
}

certificate_up() {  # DIRECTORY NAME
  local dir=$1
  [[ -s $dir/certificate.pem ]] && return 0
  mkdir -p "$dir" && (
    umask 077
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$dir/key.pem" \
      -subj "/O=Traffic Dam lab/CN=$2" -addext "subjectAltName=DNS:$2" \
      -out "$dir/request.pem" &&
      openssl x509 -req -in "$dir/request.pem" -CA "$state/authority/ca.pem" -days 30 \
        -CAkey "$state/authority/ca.key" -CAcreateserial -copy_extensions copyall \
        -out "$dir/certificate.pem"
  ) 2>"$dir/openssl.log"
}

# One page with four parts for counting page loads, and two bodies for transfers.
pages_up() {
  local www=$state/$1/www i
  [[ -s $www/index.html ]] && return 0
  for i in 1 2 3 4; do head -c 8192 /dev/urandom | base64 -w 76 >"$www/part$i.txt"; done
  head -c 102400 /dev/urandom >"$www/100k.bin"
  [[ $1 == service ]] && head -c 104857600 /dev/urandom >"$www/100m.bin" &&
    head -c 33554432 "$www/100m.bin" >"$www/32m.bin"
  for i in ${server_names[$1]}; do
    echo "challenge for $1" >"$state/$1/acme/.well-known/acme-challenge/token"
  done
  echo "<!doctype html><title>$1</title><h1>The $1 server</h1>" >"$www/index.html"
}

server_start() {
  local dir=$state/$1 from=$root/config/lab/nginx file
  for file in "$1" app; do
    sed -e "s|@STATE@|$dir|; s|@LOGS@|$dir/logs|; s|@DAM4@|${gateway4[$1]}|; s|@DAM6@|${gateway6[$1]}|" \
      "$from/$file.conf" >"$dir/$([[ $file == app ]] && echo app || echo nginx).conf"
  done
  process_start "app-$1" "$(netns "$1")" "$dir/logs/app.log" \
    /usr/bin/python3 "$root/config/site/lab/app.py" "$1"
  [[ $1 == service ]] && process_start greeter "$(netns "$1")" "$dir/logs/greeter.log" \
    /usr/bin/python3 "$root/config/site/lab/greeter.py"
  process_start "nginx-$1" "$(netns "$1")" "$dir/logs/nginx.log" \
    nginx -e "$dir/logs/nginx-error.log" -c "$dir/nginx.conf"
}

server_stop() {
  process_stop "nginx-$1"
  process_stop "app-$1"
  [[ $1 == service ]] && process_stop greeter
  return 0
}
