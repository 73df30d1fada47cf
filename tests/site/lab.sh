# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2154  # variables of tests/site/run
# The two servers in the lab, with the limits of their .env: who the client is, who is held back, what stays alive.

declare -A source_of=([4]=198.51.100.77 [6]=2001:db8:51:77::2)
declare -A public_of=([4]=203.0.113.10 [6]="[2001:db8:113::10]")

client() { # FAMILY CURL-WORDS…
  local names=() host port
  for host in www api manage; do
    for port in 80 443; do names+=(--resolve "$host.example.org:$port:${public_of[$1]}"); done
  done
  lab exec client -- curl -sS --max-time 20 --interface "${source:-${source_of[$1]}}" --cacert "${ca:-$state/authority/ca.pem}" \
    "${names[@]}" "${@:2}"
}

logged() { # NODE PATH: what the access log says of it: "L7-CLIENT L4-CLIENT"
  python3 - "$state/$1/logs/access.log" "$2" <<'SCRIPT'
import json, sys
with open(sys.argv[1], encoding="utf-8") as file:
    print(*{f'{line["client"]} {line["proxy"]}' for line in map(json.loads, file) if line["uri"] == sys.argv[2]}, sep="\n")
SCRIPT
}

test_true_client() {
  local family said wanted
  for family in 4 6; do
    wanted=${source_of[$family]}
    for where in www:service api:service manage:management; do
      said=$(client "$family" -H "X-Real-IP: 192.0.2.1" -H "X-Forwarded-For: 192.0.2.1" "https://${where%:*}.example.org/who-$family")
      echo "$said"
      [[ $said == *"\"client\": \"$wanted\", \"forwarded\": \"$wanted\""* && $said == *"\"server\": \"${where#*:}\""* ]]
    done
    for node in service management; do
      said=$(eventually_logged "$node" "/who-$family")
      [[ $said == "$wanted $wanted" ]] || { echo "$node logged \"$said\"" && return 1; }
    done
  done
}

eventually_logged() { wait_until 5 grep -qF "\"$2\"" "$state/$1/logs/access.log" && logged "$@"; }

statuses() { # FAMILY URL-PATTERN: how often each status came: "200:21 429:19"
  client "$1" --http2 -o /dev/null -w '%{http_code}\n' "$2" | sort | uniq -c | awk '{ printf "%s%s:%s", (NR > 1 ? " " : ""), $2, $1 }'
}

# Within its burst a client waits for nothing; beyond it the heavy zone says 429, to that client alone.
test_limits() {
  local heavy light other
  heavy=$(statuses 4 "https://api.example.org/call/[1-60]")
  other=$(source=198.51.100.78 statuses 4 "https://api.example.org/call/[1-10]")
  light=$(statuses 4 "https://www.example.org/?page=[1-150]")
  echo "heavy: $heavy; another client: $other; light: $light"
  [[ $heavy =~ ^200:([0-9]+)\ 429:([0-9]+)$ ]]
  ((BASH_REMATCH[1] >= 20 && BASH_REMATCH[2] >= 1))
  [[ $other == 200:10 && $light == 200:150 ]]
}

test_password_tries() {
  local tries
  tries=$(statuses 6 "https://manage.example.org/login?[1-30]")
  echo "$tries"
  [[ $tries =~ ^200:1[0-9]\ 429:[0-9]+$ ]]
  [[ $(statuses 6 "https://manage.example.org/dashboard/[1-30]") == 200:30 ]]
}

# Until the dam listens nginx's lines are refused: the first one afterwards may be lost, too.
test_signals() {
  local policy=$scratch/signals.yaml source=198.51.100.79
  cp "$state/edge/dam.yaml" "$policy"
  cat >>"$policy" <<END
signals:
  listen: 198.18.10.1:5514
  from: [service]
  rules: [{name: honey, path: /.env, ban: 10m}]
END
  lab damctl apply -f "$policy" -y
  wait_until 20 told_of client 4 -o /dev/null https://www.example.org/
  client 4 -o /dev/null "https://www.example.org/%2eenv?x"
  wait_until 10 shut_out
  fails client 4 --max-time 2 -o /dev/null https://api.example.org/
  [[ $(client 4 https://manage.example.org/health) == ok ]]
  [[ $(source=198.51.100.78 client 4 -o /dev/null -w '%{http_code}' https://www.example.org/) == 200 ]]
  says "signal honey" lab damctl bans
  lab damctl unban "$source"
  lab damctl apply -f "$state/edge/dam.yaml" -y
}

told_of() { # COMMAND…: the dam has heard of something since
  local before
  before=$(heard)
  "$@"
  sleep 0.3
  (($(heard) > before))
}

heard() { lab damctl metrics | sed -n 's/^dam_signals_accepted_total //p'; }

shut_out() { fails client 4 --max-time 1 -o /dev/null https://www.example.org/; }

# The lines' way in: pushes are handed on (nobody listens here: 502), nothing else is.
test_logs_way() {
  local push=/loki/api/v1/push read=/loki/api/v1/query
  [[ $(lab exec management -- curl -s -o /dev/null -w '%{http_code}' -d '{}' "http://198.18.20.10:3100$push") == 502 ]]
  [[ $(lab exec management -- curl -s -o /dev/null -w '%{http_code}' "http://198.18.20.10:3100$read") == 403 ]]
}

test_main_dead() {
  local answer
  lab server stop service
  fails client 4 --max-time 2 -o /dev/null https://www.example.org/health
  for family in 4 6; do
    answer=$(client "$family" https://manage.example.org/health)
    [[ $answer == ok ]]
    [[ $(client "$family" "https://manage.example.org/alive") == *'"server": "management"'* ]]
  done
  lab server start service
  wait_until 20 client 4 -f -o /dev/null https://www.example.org/health
}

# The app is away: nginx says so for what is the app's, and goes on with the rest.
test_app_dead() {
  local pid
  read -r pid _ <"$state/processes/app-service.pid"
  kill "$pid"
  wait_until 10 status_is 502 https://api.example.org/away
  status_is 200 https://www.example.org/
  lab server start service
  wait_until 10 status_is 200 https://api.example.org/back
}

status_is() { [[ $(client 6 -o /dev/null -w '%{http_code}' "$2") == "$1" ]]; }
