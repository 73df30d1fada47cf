# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2154  # variables of the tool that sources this
# The dam's two processes in the edge namespace.

build_dir=${DAM_BUILD:-$root/build/release}
dam_built() { [[ -x $build_dir/dataplane/dam-dataplane ]]; }
dam_start() { say_note "the dam cannot be started yet"; }
dam_stop() { :; }

# What DPDK runs on here: AF_XDP moves a hundred times what AF_PACKET does on veth.
dam_choice() {
  local pages
  pages=$(sed -n 's/^HugePages_Free: *//p' /proc/meminfo)
  echo "net_af_xdp over veth, $( ((pages > 0)) && echo "$pages free hugepages" || echo "no hugepages")"
}
