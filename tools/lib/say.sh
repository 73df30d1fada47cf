# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Plain terminal output: a mark, a sentence; colours only where somebody looks at a terminal.

if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
  say_green=$'\e[32m' say_red=$'\e[31m' say_dim=$'\e[2m' say_bold=$'\e[1m' say_off=$'\e[0m'
else
  say_green='' say_red='' say_dim='' say_bold='' say_off=''
fi

say_title() { printf '\n%s%s%s\n' "$say_bold" "$*" "$say_off"; }
say_ok()    { say_clear; printf '  %s✓%s %s\n' "$say_green" "$say_off" "$*"; }
say_bad()   { say_clear; printf '  %s✗ %s%s\n' "$say_red" "$*" "$say_off"; }
say_note()  { say_clear; printf '    %s%s%s\n' "$say_dim" "$*" "$say_off"; }

# A line that the next one replaces; nothing at all where no terminal is.
say_doing() { [[ -t 1 ]] && printf '\r\e[K  %s… %s%s' "$say_dim" "$*" "$say_off"; return 0; }
say_clear() { [[ -t 1 ]] && printf '\r\e[K'; return 0; }

# say_die SENTENCE [WHAT TO DO NEXT]
say_die() {
  say_clear
  printf '%s✗ %s%s\n' "$say_red" "$1" "$say_off" >&2
  [[ -n ${2:-} ]] && printf '  → %s\n' "$2" >&2
  exit 1
}

say_job=''

# say_wait TEXT COMMAND…: runs it with its output in a file, shows the seconds, returns its status. It
# runs as a process group of its own, which say_stop ends, whatever it started itself.
say_wait() {
  local text=$1 log started=$SECONDS status=0
  shift
  log=${SAY_LOG:-$(mktemp -t dam-XXXXXX.log)}
  set -m
  "$@" >"$log" 2>&1 </dev/null &
  set +m
  local job=$!
  say_job=$job
  while kill -0 "$job" 2>/dev/null; do
    say_doing "$text ($((SECONDS - started)) s) $(tail -c 200 "$log" 2>/dev/null | tr '\r' '\n' |
      tail -n 1 | tr -cd '[:print:]' | cut -c 1-60)"
    sleep 0.3
  done
  wait "$job" || status=$?
  say_job=''
  if ((status == 0)); then
    say_ok "$text ($((SECONDS - started)) s)"
    [[ -n ${SAY_LOG:-} ]] || rm -f "$log"
  else
    say_bad "$text: failed (exit status $status); the last lines of $log:"
    tail -n 15 "$log" | sed 's/^/      /'
  fi
  return "$status"
}

# For a trap: ends what say_wait is waiting for, as Ctrl-C on a terminal would; after two seconds
# more firmly, since what a script starts with & ignores Ctrl-C.
say_stop() {
  local i
  [[ -n $say_job ]] || return 0
  kill -s INT -- "-$say_job" 2>/dev/null
  for ((i = 0; i < 20; i++)); do
    kill -0 -- "-$say_job" 2>/dev/null || break
    sleep 0.1
  done
  kill -s TERM -- "-$say_job" 2>/dev/null
  wait "$say_job" 2>/dev/null
  say_job=''
}
