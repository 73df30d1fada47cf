# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2154,SC2034  # variables of tests/site/run
# Certificates from a real ACME server (pebble) by a real client (certbot), through the dam, while HTTPS load runs. Pebble is
# on the internet's side; each server reaches it by a cable of its own, as the dam carries only what clients open.
declare -A uplink=([service]=198.18.7 [management]=198.18.8)
declare -A role_of=([service]=main [management]=sub)
server_names="www.example.org api.example.org manage.example.org"
loads=()

uplinks_up() {
  local node
  for node in service management; do
    ip link add "up-$node" netns "dam-client-$name" type veth peer name up0 netns "dam-$node-$name"
    ip -n "dam-client-$name" addr add "${uplink[$node]}.1/24" dev "up-$node"
    ip -n "dam-client-$name" link set "up-$node" up
    ip -n "dam-$node-$name" addr add "${uplink[$node]}.2/24" dev up0
    ip -n "dam-$node-$name" link set up0 up
  done
}

pebble_up() {
  local dir=$scratch/pebble
  mkdir -p "$dir"
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$dir/key.pem" -subj /CN=pebble -out "$dir/request.pem" \
    -addext "subjectAltName=IP:198.18.7.1,IP:198.18.8.1" 2>/dev/null
  openssl x509 -req -in "$dir/request.pem" -CA "$state/authority/ca.pem" -CAkey "$state/authority/ca.key" -CAcreateserial -days 2 \
    -copy_extensions copyall -out "$dir/certificate.pem" 2>/dev/null
  cat >"$dir/config.json" <<END
{"pebble": {"listenAddress": "0.0.0.0:14000", "managementListenAddress": "0.0.0.0:15000", "certificate": "$dir/certificate.pem",
  "privateKey": "$dir/key.pem", "httpPort": 80, "tlsPort": 443, "ocspResponderURL": "", "externalAccountBindingRequired": false}}
END
  for host in $server_names; do echo "203.0.113.10 $host"; done >"$dir/hosts"
  pebble_start
  lab exec client -- curl -sS --cacert "$state/authority/ca.pem" https://198.18.7.1:15000/roots/0 >"$dir/root.pem"
  cat "$state/authority/ca.pem" "$dir/root.pem" >"$scratch/both.pem"
}

pebble_start() {
  local dir=$scratch/pebble
  nsenter --net="/run/netns/dam-client-$name" unshare --mount bash -c "mount --bind '$dir/hosts' /etc/hosts &&
    exec env PEBBLE_VA_NOSLEEP=1 PEBBLE_WFE_NONCEREJECT=0 pebble -config '$dir/config.json'" >>"$dir/log" 2>&1 8>&- &
  pebble_pid=$!
  wait_until 20 lab exec client -- curl -sf -o /dev/null --cacert "$state/authority/ca.pem" https://198.18.7.1:14000/dir
}

# With the nothing that cron gives, where the server sees its files: as on that machine. More settings before the words.
renew() { # NODE [NAME=VALUE…] WORDS…
  local pid node=$1 settings=() role=${role_of[$1]}
  shift
  while [[ ${1:-} == *=* ]]; do settings+=("$1") && shift; done
  read -r pid _ <"$state/processes/nginx-$node.pid"
  nsenter --net="/run/netns/dam-$node-$name" --mount="/proc/$pid/ns/mnt" -- env -i COMPOSE_PROFILES="$role" "${role^^}_FILES=/srv" \
    "${role^^}_ACME_SERVER=https://${uplink[$node]}.1:14000/dir" REQUESTS_CA_BUNDLE="$state/authority/ca.pem" RENEW_BY=native \
    "${settings[@]}" "$site/renew-certificates" "$@"
}

renew_both() { renew service && renew management; }

serials() { # what each name's clients are shown
  local host
  for host in $server_names; do
    lab exec client -- openssl s_client -connect 203.0.113.10:443 -servername "$host" </dev/null 2>/dev/null |
      openssl x509 -noout -serial -issuer | xargs
  done
}

nginx_workers() { # the processes that serve; they change with each reload, their master never
  local node pid
  for node in service management; do
    read -r pid _ <"$state/processes/nginx-$node.pid"
    echo "$pid $(pgrep -P "$pid" | sort | xargs)"
  done
}

load_on() {
  local host rate source=101
  for host in $server_names; do
    rate=10
    [[ $host != api.* ]] || rate=2  # within the heavy zone's policy
    (exec tools/lab --name "$name" exec client -- /usr/bin/python3 tools/lab.d/visit.py --to 203.0.113.10 --name "$host" --source "198.51.100.$source" --source "198.51.100.$((source + 1))" \
      --ca "$scratch/both.pem" --rate "$rate" --seconds 500 --timeout 20 >"$scratch/load-$host" 2>&1 8>&-) &
    loads+=($!)
    source=$((source + 10))
  done
}

load_off() {
  local pid host
  kill -s TERM "${loads[@]}"
  for pid in "${loads[@]}"; do wait "$pid"; done
  for host in $server_names; do
    echo "$host: $(cat "$scratch/load-$host")"
    python3 - "$scratch/load-$host" <<'SCRIPT'
import json, sys
with open(sys.argv[1], encoding="utf-8") as file:
    went = json.load(file)
assert went["failed"] == 0 and went["visits"] == went["ok"] >= 20, went
SCRIPT
  done
}

metric() { sed -n "s/^$2{[^}]*} //p" "$state/$1/metrics/certificates.prom"; }

# No container engine runs here. Compose itself says which services there are; what would run in their containers runs
# where they see the same files.
write_engine() {
  cat >"$scratch/docker" <<END
#!/usr/bin/env bash
[[ \$1 == compose ]] && shift || exit 64
[[ \$1 != version ]] || exit 0
where=("\${@:1:4}")
shift 4
case "\$*" in
  "run --rm --no-deps -T "*) program=certbot service=\$5 && shift 5 ;;
  "exec -T "*) program='' service=\$3 && shift 3 ;;
  *) exit 64 ;;
esac
COMPOSE_PROFILES="\$COMPOSE_PROFILES,renew" "$compose" "\${where[@]}" config --services | grep -qx -- "\$service" || exit 65
echo "\$service \$program \$1" >>"$scratch/engine.log"
\$program "\$@"
END
  chmod +x "$scratch/docker"
}

test_certificates() {
  local before masters workers expiry
  load_on
  sleep 2
  before=$(serials)
  masters=$(nginx_workers | cut -d ' ' -f 1)
  renew_both
  [[ $(serials | grep -c 'Pebble Intermediate') == 3 ]]
  [[ $(serials) != "$before" && $(nginx_workers | cut -d ' ' -f 1) == "$masters" ]]
  [[ $(metric service site_certificate_renewal_failed) == 0 && $(metric management site_certificate_renewal_failed) == 0 ]]
  expiry=$(date -d "$(openssl x509 -in "$state/management/tls/manage.example.org.pem" -noout -enddate | cut -d = -f 2)" +%s)
  [[ $(metric management site_certificate_expiry_timestamp_seconds) == "$expiry" ]]
  promtool check metrics <"$state/service/metrics/certificates.prom"
  [[ $(stat -c %a "$state"/{service,management}/tls/*.example.org.pem | sort -u) == 600 ]]

  echo "not due: nothing changes, nginx does not reload"
  before=$(serials) workers=$(nginx_workers)
  renew_both
  [[ $(serials) == "$before" && $(nginx_workers) == "$workers" ]]

  echo "renewed: main by certbot itself, sub by way of Compose"
  renew service --force
  renew management RENEW_BY=compose DOCKER="$scratch/docker" --force
  [[ -z $(comm -12 <(sort <<<"$before") <(serials | sort)) ]]
  [[ $(serials | grep -c 'Pebble Intermediate') == 3 && $(nginx_workers | cut -d ' ' -f 1) == "$masters" ]]
  diff <(cut -d ' ' -f 1,2 "$scratch/engine.log" | uniq) <(printf '%s\n' "sub-certbot certbot" "sub-nginx ")
  load_off
}

test_no_authority() {
  local before workers
  before=$(serials) workers=$(nginx_workers)
  exits 1 renew service MAIN_ACME_SERVER=https://198.18.7.1:9/dir --force
  [[ $(serials) == "$before" && $(nginx_workers) == "$workers" && $(metric service site_certificate_renewal_failed) == 1 ]]
  renew service
  [[ $(metric service site_certificate_renewal_failed) == 0 ]]
}

test_broken_nginx() {
  local before
  before=$(serials)
  echo "no directive;" >"$state/management/nginx/conf.d/broken.conf"
  says "goes on with the old certificates" renew management --force
  [[ $(serials) == "$before" && $(metric management site_certificate_renewal_failed) == 1 ]]
  [[ $(openssl x509 -in "$state/management/tls/manage.example.org.pem" -noout -serial) == "$(tail -n 1 <<<"$before" | cut -d ' ' -f 1)" ]]
  rm "$state/management/nginx/conf.d/broken.conf"
  says "nginx reloaded" renew management
  [[ $(serials | tail -n 1) != "$(tail -n 1 <<<"$before")" && $(metric management site_certificate_renewal_failed) == 0 ]]
}

test_one_at_a_time() {
  (exec 7<"$site" && flock 7 && exec sleep 30) 8>&- &
  local holder=$!
  sleep 0.5
  # It would end at once, with words about that name.
  exits 124 timeout 3 env RENEW_BY=native COMPOSE_PROFILES=sub SUB_NAME='x; rm' "$site/renew-certificates"
  kill "$holder"
}

test_renew_words() {
  says "neither main nor sub" env COMPOSE_PROFILES=web "$site/renew-certificates"
  exits 2 env COMPOSE_PROFILES=web RENEW_BY=native "$site/renew-certificates"
  says 'does not know "--now"' "$site/renew-certificates" --now
  exits 2 "$site/renew-certificates" --now
  says "no names of servers" env RENEW_BY=native COMPOSE_PROFILES=sub SUB_NAME='x; rm' "$site/renew-certificates"
}
