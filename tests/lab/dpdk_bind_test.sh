#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# dam-dataplane alone, on AF_XDP over veth: it binds, gives up its privileges, answers, survives without
# a control plane, and leaves nothing behind however it ends.
# usage: dpdk_bind_test.sh DAM_DATAPLANE DAM_FEED     (root; exit code 77: skipped)
# shellcheck disable=SC2016,SC2317  # check() runs what it is given
set -uo pipefail
dataplane=${1:?usage: dpdk_bind_test.sh DAM_DATAPLANE DAM_FEED} feed=${2:?}
((EUID == 0)) || { echo "needs root"; exit 77; }

client=dam-bind-$$-client edge=dam-bind-$$-edge
dir=$(mktemp -d) failed=0 keeper='' listener=''
chmod 755 "$dir" # the dataplane must reach its saved policy as the user that it becomes
in_client() { ip netns exec "$client" "$@"; }

cleanup() {
  [[ -n $keeper ]] && kill -TERM "$keeper" 2>/dev/null && wait "$keeper"
  [[ -n $listener ]] && kill "$listener" 2>/dev/null
  ip netns del "$client" 2>/dev/null
  ip netns del "$edge" 2>/dev/null
  rm -rf "$dir"
}
trap cleanup EXIT

check() { # SENTENCE COMMAND…
  local sentence=$1
  shift
  if "$@" >"$dir/out" 2>&1; then
    echo "ok      $sentence"
  else
    echo "FAILED  $sentence"
    sed 's/^/          /' "$dir/out" "$dir/log"
    failed=$((failed + 1))
  fi
}

until_true() { # within 5 seconds
  for ((i = 0; i < 100; i++)); do
    "$@" && return 0
    sleep 0.05
  done
  return 1
}

network() {
  ip netns add "$client" && ip netns add "$edge" || return 1
  ip link add dam0 netns "$edge" type veth peer name eth0 netns "$client"
  # A veth leaves checksums to be filled in later, which AF_XDP never sees done.
  for side in "$client eth0" "$edge dam0"; do
    read -r namespace device <<<"$side"
    ip netns exec "$namespace" ethtool -K "$device" tx off tso off gso off gro off >/dev/null
    ip netns exec "$namespace" ethtool -L "$device" rx 1 tx 1 2>/dev/null
    ip -n "$namespace" link set "$device" up
  done
  ip netns exec "$edge" sysctl -qw net.ipv6.conf.all.disable_ipv6=1
  ip -n "$client" address add 198.18.0.2/24 dev eth0
  ip -n "$client" address add 2001:db8::2/64 dev eth0 nodad
}

requests() { # the Start (for this driver and device) and the Snapshot, as dam-feed reads them
  cat >"$dir/start" <<START
start {
  driver: "$1" workers: 1 hugepages: "auto"
  interfaces { name: "front" device: "$2"
    addresses { address: ip"198.18.0.1" prefix_bits: 24 }
    addresses { address: ip"2001:db8::1" prefix_bits: 64 } }
  limits { flows: 1024 half_open: 256 sources: 1024 hold_bytes: 1048576 }
}
START
  cat >"$dir/apply" <<'APPLY'
apply {
  version: 1
  listeners { name: "web" addresses: ip"198.18.0.1" port: 443 }
  servers { name: "service" addresses: ip"198.18.0.9" port: 443 }
  routes { name: "service" listener: "web" zone: "front" servers: "service" server_names: "a.example" }
}
APPLY
}

# What systemd would hear, a message a line.
listen() {
  python3 -c 'import os, socket, sys
heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
heard.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o777)  # the dataplane does not stay root
while True: print(heard.recv(4096).decode(), flush=True)' "$dir/notify" >"$dir/heard" 2>/dev/null &
  listener=$!
  until_true test -S "$dir/notify"
}
is_ready() { grep -qx 'READY=1' "$dir/heard"; }

start_dataplane() {
  NOTIFY_SOCKET=$dir/notify nsenter --net="/run/netns/$edge" "$dataplane" --socket "$dir/socket" --tables "$dir/tables" "$@" >"$dir/log" 2>&1 &
  keeper=$!
  until_true test -S "$dir/socket"
}
stop_dataplane() { # SIGNAL PID → exit code of the keeper
  kill "-$1" "$2"
  wait "$keeper"
  local code=$?
  keeper=
  return "$code"
}
child() { pgrep -P "$keeper"; }

says() { grep -qF -- "$1" "$dir/log"; }
program_on() { ip -n "$edge" link show "$1" | grep -q 'prog/xdp'; }
promiscuous() { ip -n "$edge" link show "$1" | grep -q PROMISC; }
pings() { until_true in_client ping -c 1 -W 1 -q "$1"; }
without_rights() { # every thread: no capability, none to be had, and not root
  local task
  for task in /proc/"$(child)"/task/*; do
    grep -qP '^CapEff:\t0+$' "$task/status" && grep -qP '^CapPrm:\t0+$' "$task/status" &&
      grep -qP '^CapBnd:\t0+$' "$task/status" && grep -qP '^NoNewPrivs:\t1$' "$task/status" &&
      ! grep -qP '^Uid:.*\b0\b' "$task/status" && continue
    cat "$task/status"
    return 1
  done
}
nothing_left() { ! program_on dam0 && ! promiscuous dam0 && [[ ! -e $dir/socket ]]; }
gives() { # CODE COMMAND…: the command ends with this exit code
  local wanted=$1
  shift
  "$@"
  local code=$?
  ((code == wanted)) || { echo "exit code $code"; return 1; }
}

network || { echo "no network namespaces"; exit 1; }
requests dpdk dam0
listen || { echo "no python3"; exit 1; }
start_dataplane
check "says what it waits for" until_true grep -q 'STATUS=No port is open yet' "$dir/heard"
check "is not ready while no port is open" eval '! is_ready'
check "takes Start and Snapshot" "$feed" "$dir/socket" "$dir/start" "$dir/apply"
check "binds a veth by AF_XDP" says "Port 0: dam0 by net_af_xdp."
check "is ready now" until_true is_ready
check "its program is on the interface" program_on dam0
check "no thread keeps a right" without_rights
check "answers IPv4 echo" pings 198.18.0.1
check "answers IPv6 echo" pings 2001:db8::1
check "ends with 0 when told to stop" gives 0 stop_dataplane TERM "$keeper"
check "leaves no program, mode or socket behind" nothing_left

start_dataplane
check "goes on alone with the saved policy" until_true says "Policy version 1 is in force."
check "answers IPv4 echo with nobody to control it" pings 198.18.0.1
check "a kill of the dataplane ends the keeper too" gives 137 stop_dataplane KILL "$(child)"
check "leaves nothing behind when it is killed" nothing_left

start_dataplane --fresh
check "--fresh waits for the control plane" eval '! says "in force"'
requests dpdk no-such-if0
"$feed" "$dir/socket" "$dir/start" >"$dir/reply"
check "refuses a Start that cannot be, and says why" \
  grep -qF 'There is no interface \"no-such-if0\"' "$dir/reply"
requests xdp no-such-if0
"$feed" "$dir/socket" "$dir/start" >"$dir/reply"
check "and says it to systemd, too" until_true grep -q 'STATUS=Refused: .*no-such-if0' "$dir/heard"
check "so does the XDP driver" grep -qF 'There is no interface \"no-such-if0\"' "$dir/reply"
check "waits on after both, for it has opened nothing" kill -0 "$keeper"
requests dpdk dam0
check "takes the good Start that follows" "$feed" "$dir/socket" "$dir/start" "$dir/apply"
check "ends when told to stop" gives 0 stop_dataplane TERM "$keeper"

# Without a policy nobody knows what is the dam's: the host has all of it, but refuses nobody.
connects() { # PORT connected|refused|silence: what a client meets there
  local met
  met=$(in_client python3 -c 'import socket, sys
try: socket.create_connection(("198.18.0.1", int(sys.argv[1])), 2); print("connected")
except ConnectionRefusedError: print("refused")
except OSError: print("silence")' "$1")
  echo "$met"
  [[ $met == "$2" ]]
}
requests dpdk dam0
sed -i 's/device: "dam0"/& host_path: HOST_PATH_OPEN/' "$dir/start"
start_dataplane --fresh
check "takes a Start with a way for the host" "$feed" "$dir/socket" "$dir/start"
ip -n "$edge" address add 198.18.0.1/24 dev dam-host0
ip netns exec "$edge" python3 -c 'import socket, time
s = socket.create_server(("198.18.0.1", 22)); time.sleep(60)' &
ssh=$!
check "the host's own server is there before any policy" until_true connects 22 connected
check "the dam's clients are not refused meanwhile" connects 443 silence
check "takes the policy" "$feed" "$dir/socket" "$dir/apply"
check "the dam answers its clients" until_true connects 443 connected
check "the host refuses who comes to a shut port of its own" until_true connects 81 refused
kill "$ssh"
stop_dataplane TERM "$keeper"

# Somebody else's program is on the interface: a loud warning, and the slow way.
requests dpdk dam0
other=/usr/lib/x86_64-linux-gnu/bpf/xdpfilt_alw_all.o
if [[ -f $other ]] && ip -n "$edge" link set dam0 xdp obj "$other" sec xdp 2>/dev/null; then
  start_dataplane --fresh
  check "works beside a foreign XDP program" "$feed" "$dir/socket" "$dir/start" "$dir/apply"
  check "warns that AF_PACKET is slow" says "WARNING: AF_XDP cannot be used on dam0"
  check "answers IPv4 echo over AF_PACKET" pings 198.18.0.1
  stop_dataplane TERM "$keeper"
  check "leaves the foreign program alone" program_on dam0
fi

echo "$failed failed"
exit $((failed > 0))
