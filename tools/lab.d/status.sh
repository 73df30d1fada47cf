# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2154  # variables of the tool that sources this
# What `tools/lab status` prints. Succeeds when the lab is up and the server networks are apart.

lab_status() {
  local node file name pid wrong=0
  [[ -d $state ]] || say_die "The lab is not up." "sudo $again up"
  say_title "Nodes"
  for node in "${nodes[@]}"; do node_line "$node" || wrong=1; done
  say_title "Processes"
  for file in "$process_dir"/*.pid; do
    [[ -e $file ]] || continue
    name=$(basename "$file" .pid)
    if pid=$(process_pid "$name"); then say_ok "$name (pid $pid)"; else
      say_bad "$name has ended; its log is in $state" && wrong=1
    fi
  done
  say_title "Server networks"
  apart_line service management || wrong=1
  apart_line management service || wrong=1
  say_title "DPDK"
  if process_pid dam-dataplane >/dev/null; then say_ok "$(dam_choice)"; else
    say_note "the dam is not running"
  fi
  [[ $watch == no ]] || watch_line || wrong=1
  return "$wrong"
}

watch_line() {
  say_title "Watch"
  if ! watch_ready; then say_bad "Prometheus does not answer the management network" && return 1; fi
  say_ok "Prometheus answers the management network at $prometheus_url"
  watch_says
  page_line
}

apart_line() {
  if [[ ! -e $process_dir/dam-dataplane.pid ]]; then
    say_note "$1 to $2: not tried without the dam"
  elif ! networks_tried "$1" "$2"; then
    say_bad "$1 to $2 cannot be tried: the dam does not answer $1, or $2 does not serve"
    return 1
  elif networks_apart "$1" "$2"; then say_ok "$1 cannot reach $2 (the dam answers $1, and $2 serves)"; else
    say_bad "$1 reaches $2"
    return 1
  fi
}

node_line() {
  local space
  space=$(netns "$1")
  [[ -e /run/netns/$space ]] || { say_bad "$1 is missing"; return 1; }
  printf '  %-11s %s\n' "$1" "$(node_addresses "$1")"
}

node_addresses() {
  case $1 in
    client) printf '%s IPv4 and %s IPv6 addresses in 198.51.100.0/24, 2001:db8:51::/48' \
      "$(addresses -4)" "$(addresses -6)" ;;
    router) printf 'public %s, %s → %s, %s (TCP %s)' "${address4[public]}" "${address6[public]}" \
      "${address4[front]}" "${address6[front]}" "$public_ports" ;;
    edge) printf 'ports front, service, management (the addresses are the dam'"'"'s)' ;;
    *) printf '%s, %s' "${address4[$1]}" "${address6[$1]}" ;;
  esac
}

addresses() { ip_in client -brief "$1" addr show dev wan0 scope global | grep -oE '[0-9a-f.:]+/' | wc -l; }
