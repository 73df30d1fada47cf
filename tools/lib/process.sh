# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2154  # variables of the tool that sources this
# Background processes remembered as "PID START_TIME", so that a number used again by a stranger is
# never mistaken for ours. $process_dir must be set by whoever sources this.

process_start_time() {  # clock ticks after boot: field 22, counted after the name in brackets
  local stat
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  # shellcheck disable=SC2086  # fields
  set -- ${stat##*) }
  [[ $1 != [ZX] ]] || return 1  # ended; its parent has yet to notice
  echo "${20}"
}

process_pid() {  # NAME: prints the pid when it is still the process that we started
  local pid start
  read -r pid start 2>/dev/null <"$process_dir/$1.pid" || return 1
  [[ $(process_start_time "$pid") == "$start" ]] && echo "$pid"
}

# process_start NAME NETNS LOG COMMAND…: in a session of its own; standard output and error to LOG.
process_start() {
  local name=$1 netns=$2 log=$3
  shift 3
  process_pid "$name" >/dev/null && return 0
  process_stop "$name"
  setsid nsenter --net="/run/netns/$netns" "$@" >>"$log" 2>&1 </dev/null 8>&- 9>&- &  # no lock of ours
  local pid=$!
  echo "$pid $(process_start_time "$pid")" >"$process_dir/$name.pid"
}

# process_stop NAME: asks, waits five seconds, then insists, also with the children it left behind.
process_stop() {
  local pid start i
  read -r pid start 2>/dev/null <"$process_dir/$1.pid" || return 0
  if process_pid "$1" >/dev/null; then
    kill "$pid" 2>/dev/null
    for ((i = 0; i < 50; i++)); do
      process_pid "$1" >/dev/null || break
      sleep 0.1
    done
    kill -s KILL "$pid" 2>/dev/null
    process_end_session "$pid"
  elif ! process_start_time "$pid" >/dev/null; then
    process_end_session "$pid"
  fi
  rm -f "$process_dir/$1.pid"
}

# Nobody else gets a number that still names a session: whoever is in it is a child of ours.
process_end_session() {
  local child
  for child in $(pgrep -s "$1"); do kill -s KILL "$child" 2>/dev/null; done
  return 0
}

# wait_until SECONDS COMMAND…: until the command succeeds.
wait_until() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < end)) || return 1
    sleep 0.05
  done
}
