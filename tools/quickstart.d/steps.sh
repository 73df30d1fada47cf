# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2154,SC2034  # variables of tools/quickstart
# The five things that a dam must do, each shown on real traffic and checked.

heavy_rate=5 heavy_burst=10  # as config/lab/dam.yaml has it: new connections of one source
guest4=198.51.100.20 guest6=2001:db8:51:20::2
macro=198.51.100.66
page=(/ /part1.txt /part2.txt /part3.txt /part4.txt)

step_both_servers() {
  say_title "1  HTTPS to both servers on one public address, certificates verified end to end"
  local name source
  for name in www.example.org api.example.org manage.example.org; do
    for source in "$guest4" "$guest6"; do check_https "$name" "$source"; done
  done
  check_keys
}

check_https() {
  local name=$1 source=$2 out code=0 ms subject issuer
  out=$(ask "$source" "$name" /whoami -w '\nms %{time_total}\n%{certs}' 2>&1) || code=$?
  if ((code != 0)); then
    check "$name from $source: $(tail -n 1 <<<"$out")" false
    return
  fi
  ms=$(compute "$(sed -n 's/^ms //p' <<<"$out") * 1000" %.1f)
  subject=$(sed -n 's/^Subject:.*CN *= *//p' <<<"$out" | head -n 1)
  issuer=$(sed -n 's/^Issuer:.*CN *= *//p' <<<"$out" | head -n 1)
  check "$(printf '%-19s at %-16s %-10s server, %5s ms; certificate of %s by %s' "$name" \
    "$(public_of "$source")" "$(server_of "$name")" "$ms" "$subject" "$issuer")" \
    grep -q "\"server\": \"$(server_of "$name")\"" <<<"$out"
}

# The keys lie with their servers; nothing of the dam's has one.
check_keys() {
  local pid open=0 pids
  mapfile -t pids < <(dam_pids)
  for pid in "${pids[@]}"; do
    open=$((open + $(find "/proc/$pid/fd" -lname '*key*' 2>/dev/null | wc -l)))
  done
  check "private keys: one for each name, with its server, readable by root alone" \
    test "$(stat -c %a "$state"/{service/tls/{www,api},management/tls/manage}.example.org.pem | sort -u)" == 600
  check "the dam has none: not in its files, not open in its ${#pids[@]} processes" \
    holds "${#pids[@]} >= 3 && $open + $(grep -rlI 'PRIVATE KEY' "$state/edge" 2>/dev/null | wc -l) == 0"
}

dam_pids() {  # of the dam's processes and of those that they started
  local pid _
  while read -r pid _; do
    echo "$pid"
    pgrep -P "$pid"
  done < <(cat "$state"/processes/dam-*.pid 2>/dev/null)
}

step_true_client() {
  say_title "2  The servers know the client's true address"
  local name source
  for source in 198.51.100.77 2001:db8:51:77::2; do
    for name in www.example.org manage.example.org; do check_client "$name" "$source"; done
  done
}

check_client() {
  local name=$1 source=$2 from=$EPOCHREALTIME seen
  seen=$(ask "$source" "$name" /whoami 2>/dev/null | sed -n 's/.*"client": "\([^"]*\)".*/\1/p')
  check "$name: its app sees ${seen:-nothing}, we are $source" test "$seen" == "$source"
  sleep 0.1
  check "$name: its access log has $source" \
    test "$(logged "$(server_of "$name")" "$source" "$name" "${from%.*}" 9999999999)" -ge 1
}

step_macro_held() {
  say_title "3  A macro is held to the policy's rate, other people's pages load untouched"
  local seconds=8 from span tried allowed got name
  visits quiet4 "$guest4" www.example.org 10 3 5 "${page[@]}"
  wait_jobs "pages of the light zone, nothing else going on" 3
  say_note "quiet: a page with four parts loads in $(went quiet4)"
  from=$EPOCHREALTIME
  visits macro "$macro" api.example.org 40 "$seconds" 3
  visits pages4 "$guest4" www.example.org 10 "$seconds" 5 "${page[@]}"
  visits pages6 "$guest6" www.example.org 10 "$seconds" 5 "${page[@]}"
  wait_jobs "macro: 40 connections a second to the heavy zone; guests: 20 pages a second" "$seconds"
  span=$(compute "$EPOCHREALTIME - $from" %.2f)
  tried=$(result macro seconds)  # it waits a little for what is still under way
  allowed=$(compute "$heavy_rate * $span + $heavy_burst")
  got=$(logged service "$macro" api.example.org "$from" 9999999999)
  check "macro: $(result macro visits) tries in $tried s, $got got through; in $span s the policy allows $allowed" \
    holds "$got <= $allowed && $got >= 0.8 * ($heavy_rate * $tried + $heavy_burst)"
  for name in pages4 pages6; do
    check "guest over IPv${name#pages}: $(result $name ok) of $(result $name visits) pages loaded, $(went $name)" \
      all_ok "$name"
  done
}

step_management_stays() {
  say_title "4  The service server is killed and flooded, management still answers"
  local seconds=8 name crowd
  crowd=$(printf '198.51.100.%d,' {101..250})
  "${lab[@]}" server stop service
  visits crowd "${crowd%,}" www.example.org 50 "$seconds" 1
  in_background flood_front client tools/lab.d/flood.py --to "$public4" --source 198.51.100.99 \
    --pps 5000 --seconds "$seconds"
  in_background flood_service service tools/lab.d/flood.py --to 198.18.10.1 --source 198.18.10.10 \
    --pps 5000 --seconds "$seconds"
  visits manage4 "$guest4" manage.example.org 10 "$seconds" 5
  visits manage6 "$guest6" manage.example.org 10 "$seconds" 5
  wait_jobs "service server dead; floods from 150 clients and from its own network" "$seconds"
  check "the dead service: $(result crowd ok) of $(result crowd visits) visits answered" \
    test "$(result crowd ok)" == 0
  say_note "flood: $(result flood_front sent) SYNs at the front door, $(result flood_service sent)" \
    "on the service network"
  for name in manage4 manage6; do
    check "management over IPv${name#manage}: $(result $name ok) of $(result $name visits) answered, $(went $name)" \
      all_ok "$name"
  done
  "${lab[@]}" server start service
  check "the service is back $(service_back) s after its restart" ask "$guest4" www.example.org / -o /dev/null
}

service_back() {  # seconds until it answers again, at most 10
  local from=$EPOCHREALTIME i
  for ((i = 0; i < 20; i++)); do
    ask "$guest4" www.example.org / -f -o /dev/null --max-time 0.5 2>/dev/null && break
    sleep 0.1
  done
  compute "$EPOCHREALTIME - $from" %.1f
}

step_rate_change() {
  say_title "5  A zone's rate changes while traffic flows"
  local new_rate=25 from changed before after file=$state/service/www/32m.bin source
  for source in "$guest4" "$guest6"; do download "$source"; done
  sleep 2  # the macro's bucket has long filled up again
  from=$EPOCHREALTIME
  visits hammer "$macro" api.example.org 40 9 3
  wait_seconds 5 "macro against $heavy_rate connections a second, two downloads running"
  check "damctl zone set heavy per_source.connections=\"${new_rate}r/s burst=$heavy_burst\"" \
    set_rate "$new_rate"
  changed=$EPOCHREALTIME
  wait_jobs "the same macro against $new_rate connections a second" 4
  before=$(logged service "$macro" api.example.org "$(compute "$changed - 2" %.3f)" "$changed")
  after=$(logged service "$macro" api.example.org "$changed" "$(compute "$changed + 1" %.3f)")
  check "the second before: $(compute "$before / 2" %.1f) connections; the second after: $after" \
    holds "$before / 2 <= 1.5 * $heavy_rate && $after >= 0.8 * $new_rate && $after <= $new_rate + $heavy_burst"
  for source in "$guest4" "$guest6"; do
    check "download by $source went on over one connection, $(stat -c %s "$file") bytes the same" \
      cmp -s "$file" "$scratch/download-$source"
  done
  set_rate "$heavy_rate" >/dev/null
}

download() {  # in the background, slow enough to span the whole step
  become_curl "$1" www.example.org /32m.bin --max-time 60 --limit-rate 3500k \
    -o "$scratch/download-$1" 2>"$scratch/download-$1.errors" &
  jobs["download-$1"]=$!
}

wait_seconds() {
  local end=$((SECONDS + $1))
  while ((SECONDS < end)); do
    say_doing "$2 ($((end - SECONDS)) s to go)"
    sleep 0.2
  done
  say_clear
}

set_rate() { "${lab[@]}" damctl zone set heavy "per_source.connections=${1}r/s burst=$heavy_burst" >/dev/null; }
