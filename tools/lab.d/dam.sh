# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2154  # variables of the tool that sources this
# The dam's two processes in the edge namespace, with the lab's own dam.yaml.

build_dir=${DAM_BUILD:-$root/build/release}
dataplane=$build_dir/dataplane/dam-dataplane
controlplane=$build_dir/controlplane/dam-controlplane
damctl=$build_dir/tools/damctl/damctl
driver=dpdk

dam_built() { [[ -x $dataplane && -x $controlplane && -x $damctl ]]; }

dam_start() {
  local dir=$state/edge
  dam_built || say_die "The dam is not built." "cmake --preset release && cmake --build --preset release"
  mkdir -p "$dir/logs"
  sed -e "s|@DRIVER@|$driver|; s|@QUEUES@|$queues|" "$root/config/lab/dam.yaml" >"$dir/dam.yaml"
  process_start dam-dataplane "$(netns edge)" "$dir/logs/dataplane.log" "$dataplane" \
    --socket "$dir/dataplane.sock" --counters "$dir/counters"
  process_start dam-controlplane "$(netns edge)" "$dir/logs/controlplane.log" "$controlplane" \
    --config "$dir/dam.yaml" --dataplane "$dir/dataplane.sock"
  wait_until 20 dam_serves || {
    tail -n 5 "$dir"/logs/*.log
    say_die "The dam does not answer." "The last lines of its logs are above; all of them: $dir/logs"
  }
  say_ok "the dam is up: $(dam_choice)"
}

dam_stop() {
  process_stop dam-controlplane
  process_stop dam-dataplane
}

dam_serves() {
  process_pid dam-dataplane >/dev/null && process_pid dam-controlplane >/dev/null &&
    dam_control status >/dev/null 2>&1
}

dam_control() { in_node edge "$damctl" "$@"; }

# What DPDK runs on here: AF_XDP moves a hundred times what AF_PACKET does on veth.
dam_choice() {
  local pages
  pages=$(sed -n 's/^HugePages_Free: *//p' /proc/meminfo)
  echo "net_af_xdp over veth, $( ((pages > 0)) && echo "$pages free hugepages" || echo "no hugepages")"
}
