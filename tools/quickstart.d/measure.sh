# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2154  # variables of tools/quickstart
# How the steps look at the lab: one visit, steady visits in the background, the servers' logs.

public4=203.0.113.10 public6=2001:db8:113::10
declare -A jobs=()  # what runs in the background: name → pid

# check SENTENCE COMMAND…: the sentence is the measurement, the command says whether it is right.
check() {
  local sentence=$1
  shift
  if "$@"; then
    say_ok "$sentence"
    passed=$((passed + 1))
  else
    say_bad "$sentence"
    failed=$((failed + 1))
  fi
}

# holds EXPRESSION with decimals, by awk: holds "0.5 <= 1"
holds() { awk "BEGIN { exit !($1) }"; }
compute() { awk "BEGIN { printf \"${2:-%.0f}\", $1 }"; }

public_of() { [[ $1 == *:* ]] && echo "$public6" || echo "$public4"; }
server_of() { [[ $1 == manage.* ]] && echo management || echo service; }

# ask SOURCE NAME PATH [CURL OPTIONS…]: one HTTPS request from that client address.
ask() { (become_curl "$@"); }

become_curl() {
  local public
  public=$(public_of "$1")
  [[ $public == *:* ]] && public="[$public]"
  exec "${lab[@]}" exec client -- curl -sS --max-time 5 --interface "$1" \
    --cacert "$state/authority/ca.pem" --resolve "$2:443:$public" "${@:4}" "https://$2$3"
}

# visits JOB SOURCE NAME RATE SECONDS TIMEOUT [PATH…]: steady visits in the background.
visits() {
  local job=$1 options=() path
  for path in "${@:7}"; do options+=(--path "$path"); done
  in_background "$job" client tools/lab.d/visit.py --ca "$state/authority/ca.pem" \
    --to "$(public_of "${2%%,*}")" --name "$3" --source "${2//,/ --source }" \
    --rate "$4" --seconds "$5" --timeout "$6" "${options[@]}"
}

in_background() {  # JOB NODE SCRIPT WORDS…
  local job=$1 words=()
  read -ra words <<<"${*:3}"
  "${lab[@]}" exec "$2" -- /usr/bin/python3 "${words[@]}" >"$scratch/$job.json" 2>"$scratch/$job.errors" &
  jobs[$job]=$!
}

result() { sed -n "s/.*\"$2\": \([0-9.]*\).*/\1/p" "$scratch/$1.json"; }

wait_jobs() {  # TEXT SECONDS: waits for all of them and shows the time that is left
  local end=$((SECONDS + $2)) job
  for job in "${!jobs[@]}"; do
    while kill -0 "${jobs[$job]}" 2>/dev/null; do
      say_doing "$1 ($((end > SECONDS ? end - SECONDS : 0)) s to go)"
      sleep 0.2
    done
    wait "${jobs[$job]}" || say_note "$job: $(tail -n 1 "$scratch/$job.errors")"
    unset "jobs[$job]"
  done
  say_clear
}

stop_measuring() {
  local job
  for job in "${!jobs[@]}"; do kill "${jobs[$job]}" 2>/dev/null; done
  return 0
}

# logged SERVER SOURCE NAME FROM TO: requests in the server's access log between two times (Unix,
# seconds) that it believes to come from that source.
logged() {
  /usr/bin/python3 - "$state/$1/logs/access.log" "${@:2}" <<'SCRIPT'
import json, sys
path, source, name, begin, end = sys.argv[1:]
with open(path, encoding="utf-8") as file:
    lines = [json.loads(line) for line in file if line.endswith("\n")]
print(sum(float(begin) <= line["msec"] < float(end) and line["client"] == source and line["host"] == name for line in lines))
SCRIPT
}

# How the page loads of a job went, as words.
went() { echo "p50 $(result "$1" p50_ms) ms, p99 $(result "$1" p99_ms) ms"; }
all_ok() { [[ $(result "$1" visits) -gt 0 && $(result "$1" ok) == "$(result "$1" visits)" ]]; }
