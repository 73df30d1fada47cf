# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2154  # variables of the tool that sources this
# The two servers: certificates, pages, nginx with the files of config/site, the small app. Each server's files
# lie in its own directory $state/NODE, which its nginx sees as /srv; its keys are readable by root alone.

declare -A server_names=([service]="www.example.org api.example.org" [management]="manage.example.org")
declare -A server_role=([service]=main [management]=sub)  # in config/site

servers_up() {
  local node
  authority_up || return 1
  for node in service management; do
    mkdir -p "$state/$node"/{tls,requests,www,acme/.well-known/acme-challenge,tmp,logs,nginx/conf.d,locations/pages}
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
  for name in ${server_names[$1]}; do certificate_up "$state/$1" "$name" || return 1; done
}

certificate_up() {  # DIRECTORY NAME: chain and key in one file, as renew-certificates leaves them
  local request=$1/requests/$2 file=$1/tls/$2.pem
  [[ -s $file ]] && return 0
  (
    umask 077
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$request.key" \
      -subj "/O=Traffic Dam lab/CN=$2" -addext "subjectAltName=DNS:$2" -out "$request.pem" &&
      openssl x509 -req -in "$request.pem" -CA "$state/authority/ca.pem" -days 30 \
        -CAkey "$state/authority/ca.key" -CAcreateserial -copy_extensions copyall -out "$request.crt" &&
      cat "$request.crt" "$request.key" >"$file"
  ) 2>"$request.log"
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

# The very files of config/site, filled in as nginx's own image does (envsubst) and laid where that image has them,
# in a mount namespace of its own.
server_start() {
  local dir=$state/$1 role=${server_role[$1]}
  cp "$root/config/site/shared/nginx/nginx.conf" "$dir/nginx/nginx.conf"
  site_template "$1" >"$dir/nginx/conf.d/$role.conf"
  [[ $1 == service ]] && cp "$root/config/site/lab/echo.conf" "$dir/locations/pages/"
  process_start "app-$1" "$(netns "$1")" "$dir/logs/app.log" \
    /usr/bin/python3 "$root/config/site/main-server/app/serve" "$1"
  [[ $1 == service ]] && process_start greeter "$(netns "$1")" "$dir/logs/greeter.log" \
    /usr/bin/python3 "$root/config/site/lab/greeter.py"
  process_start "nginx-$1" "$(netns "$1")" "$dir/logs/nginx.log" \
    unshare --mount "$root/tools/lab.d/as_server.sh" "$dir" nginx -e /var/log/nginx/error.log -g "daemon off;"
}

# The server's .env, with this lab's addresses. What is measured here is the dam: nginx's own limits stand out of the
# way, unless SITE_LIMITS=yes; the dam is told nothing, unless SITE_SIGNALS=ADDRESS:PORT.
site_template() {
  local node=$1 role=${server_role[$1]} upper=${server_role[$1]^^} name
  (
    set -a
    # shellcheck source=/dev/null
    . "$root/config/site/$role-server/.env"
    for name in DAM4=${gateway4[$node]} DAM6=${gateway6[$node]} RESOLVER=127.0.0.1 STATUS=127.0.0.1:8081 \
      APP=127.0.0.1:8080 GRAFANA=127.0.0.1:8080 LOKI=127.0.0.1:3101; do
      export "${upper}_$name"
    done
    if [[ ${SITE_LIMITS:-} != yes ]]; then
      for name in {LIGHT,HEAVY}_{RATE=5000r/s,BURST=10000}; do export "${upper}_$name"; done
    fi
    [[ -z ${SITE_SIGNALS:-} ]] || export MAIN_SIGNALS=1 MAIN_SIGNALS_TO=$SITE_SIGNALS
    # shellcheck disable=SC2046  # a word each
    envsubst "$(printf "\${%s} " $(compgen -v "${upper}_"))" \
      <"$root/config/site/$role-server/nginx/templates/$role.conf.template"
  )
}

server_stop() {
  process_stop "nginx-$1"
  process_stop "app-$1"
  [[ $1 == service ]] && process_stop greeter
  return 0
}
