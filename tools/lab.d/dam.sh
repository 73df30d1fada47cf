# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2154  # variables of the tool that sources this
# The dam's two processes in the edge namespace, with config/lab/dam.yaml as their policy.

build_dir=${DAM_BUILD:-$root/build/release}
dataplane=$build_dir/dataplane/dam-dataplane
controlplane=$build_dir/controlplane/dam-controlplane
damctl=$build_dir/tools/damctl/damctl
driver=dpdk pmd=auto
# Connections live on between `dam stop` and `dam start`.
pins=/sys/fs/bpf/dam-lab$suffix   # of driver xdp
tables=/dev/shm/dam-lab$suffix    # of driver dpdk

dam_built() { [[ -x $dataplane && -x $controlplane && -x $damctl ]]; }

dam_start() {
  local dir=$state/edge
  dam_built || say_die "The dam is not built." "cmake --preset release && cmake --build --preset release"
  mkdir -p "$dir/logs"
  dam_policy >"$dir/dam.yaml"
  "$damctl" check -f "$dir/dam.yaml" >"$dir/logs/check.log" 2>&1 || {
    cat "$dir/logs/check.log"
    say_die "The lab's policy is not right." "config/lab/dam.yaml"
  }
  dam_processes
  wait_until 20 dam_serves || {
    tail -n 5 "$dir"/logs/*.log
    say_die "The dam does not answer." "The last lines of its logs are above; all of them: $dir/logs"
  }
  watch_enroll
  page_enroll
  say_ok "the dam is up: $(dam_choice)"
}

dam_processes() {
  local dir=$state/edge port more
  read -ra more <<<"$(watch_options)"
  if ! process_pid dam-dataplane >/dev/null; then  # what a killed one may have left on the ports
    for port in front service management; do ip_in edge link set "$port" xdp off 2>/dev/null; done
  fi
  process_start dam-dataplane "$(netns edge)" "$dir/logs/dataplane.log" "$dataplane" \
    --socket "$dir/dataplane.sock" --counters "$dir/counters" --pins "$pins" --tables "$tables" --fresh
  process_start dam-controlplane "$(netns edge)" "$dir/logs/controlplane.log" "$controlplane" \
    --config "$dir/dam.yaml" --dataplane-socket "$dir/dataplane.sock" --api-socket "$dir/control.sock" \
    --state "$dir/policy.db" --log-folder "$dir/logs" "${more[@]}"
}

dam_stop() {
  process_stop dam-controlplane
  process_stop dam-dataplane
}

dam_detach() {
  [[ -d $pins || -d $tables ]] || return 0
  in_node edge "$damctl" detach --pins "$pins" --tables "$tables" >/dev/null || rm -rf "$pins" "$tables"  # or damctl is not built any more
}

dam_serves() {
  process_pid dam-dataplane >/dev/null && process_pid dam-controlplane >/dev/null &&
    dam_control status >/dev/null 2>&1
}

dam_control() { in_node edge env DAM_CONTROL_SOCKET="$state/edge/control.sock" "$damctl" "$@"; }

dam_policy() {
  local port fill=("-E" "-e" "$(watch_checks)" "-e" "s|@DRIVER@|$driver|; s|@QUEUES@|$queues|; s|@HUGEPAGES@|auto|")
  for port in front service management; do
    if [[ $driver == dpdk && $(pmd_here) == af_packet ]]; then
      fill+=(-e "s|@${port^^}@|net_af_packet_$port,iface=$port|")
    else
      fill+=(-e "s|@${port^^}@|$port|")
    fi
  done
  sed "${fill[@]}" "$root/config/lab/dam.yaml"
}

# AF_XDP moves a hundred times what AF_PACKET does on veth; AF_PACKET works everywhere.
pmd_here() {
  if [[ $pmd != auto ]]; then
    echo "$pmd"
  elif compgen -G '/usr/lib/*/dpdk/pmds-*/librte_net_af_xdp.so' >/dev/null &&
    /usr/bin/python3 -c 'import socket; socket.socket(44, socket.SOCK_RAW)' 2>/dev/null; then
    echo af_xdp
  else
    echo af_packet
  fi
}

# What the dam chose, in its own words; nothing is claimed that it did not say.
dam_choice() {
  local log=$state/edge/logs/dataplane.log by pages
  sed -n 's/^\(driver: auto is .*\)\.$/\1\n   /p' "$log" 2>/dev/null | tail -n 2
  if grep -q '^Port 0: .* by XDP' "$log" 2>/dev/null; then
    sed -n 's/^Port 0: .* by XDP, \(.*\)\.$/XDP over veth, \1/p' "$log" | tail -n 1
    return
  fi
  by=$(sed -n 's/^Port 0: .* by \(.*\)\.$/\1/p' "$log" 2>/dev/null | tail -n 1)
  pages=$(sed -n 's/^Packet buffers in \(.*\)\.$/packet buffers in \1/p' "$log" 2>/dev/null | tail -n 1)
  echo "DPDK on ${by:-(nothing yet)} over veth, ${pages:-packet buffers not allocated yet}"
  [[ $by != *af_packet* ]] || echo "    about 5,000 packets a second: asked for, or no AF_XDP here"
}
