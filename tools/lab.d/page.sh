# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2154  # variables of the tool that sources this
# `up --watch`: the live page, by the control plane's listener on the management cable, and a token for it.

page_url=https://$office:9443/
page_files=$build_dir/web page_token=$state/edge/page.token

# Node builds it, and nothing else needs Node: without it the rest comes up, and says what is missing.
page_build() {
  local log=$state/edge/logs/page-build.log
  [[ $watch == yes ]] && dam_built || return 0
  mkdir -p "$state/edge/logs"
  if ! command -v npm >/dev/null; then
    [[ -e $page_files/index.html ]] || say_note "without the live page: it is not built, and npm is not installed" \
      "(sudo tools/packages page, then sudo $again down and up --watch)"
  elif ! "$root/tools/lib/as_owner.sh" "$build_dir" cmake --build "$build_dir" --target web >"$log" 2>&1; then
    say_note "the live page could not be built ($log); what was built before is served, if anything"
  fi
}

page_enroll() {
  [[ $watch == yes && ! -s $page_token ]] || return 0
  (umask 077 && dam_control token add page --role admin >"$page_token" 2>>"$state/edge/logs/enroll.log") ||
    say_die "The live page's token could not be made." "$state/edge/logs/controlplane.log"
}

page_ready() {
  in_node management curl -sf --max-time 2 --cacert "$state/edge/tls/ca.pem" "$page_url" 2>/dev/null | grep -q app.js
}

page_line() {
  if page_ready; then
    say_ok "the live page answers the management network at $page_url"
    page_says
  elif [[ -e $page_files/index.html ]]; then
    say_bad "the live page does not answer the management network at $page_url"
    return 1
  else
    say_note "without the live page: it is not built (sudo tools/packages page, then sudo $again down and up --watch)"
  fi
}

page_says() {
  say_note "  sudo $again page              serves it to a browser on this machine, and says where"
  say_note "  sudo $again exec management -- BROWSER $page_url"
  say_note "  token, for an admin: sudo cat $page_token"
}

# In the foreground, until it is interrupted; the lab's networks stay apart from the host's.
lab_page() {
  local port=${1:-9443}
  [[ $port =~ ^[1-9][0-9]{0,4}$ && $port -lt 65536 ]] || say_die "\"$port\" is no port." "1 to 65535"
  [[ -d $state && $watch == yes ]] || say_die "No lab with --watch is up." "sudo $again up --watch"
  page_ready || say_die "The live page does not answer." "sudo $again status"
  say_note "authority, for the browser to trust: $state/edge/tls/ca.pem"
  say_note "token, for an admin: $(<"$page_token")"
  exec /usr/bin/python3 "$root/tools/lab.d/page.py" --port "$port" --netns "/run/netns/$(netns management)" --to "$office:9443"
}
