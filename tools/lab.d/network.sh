# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2154  # variables of the tool that sources this
# The wires: five network namespaces, four links, one DNAT rule. Documentation and benchmark ranges
# only (RFC 5737, 2544, 3849). Everything here may run again and again.
#
#   client wan0 ──── wan0 router lan0 ──── front edge service ──── srv0 service
#   198.51.100.2…   203.0.113.10 → 198.18.0.2       management ─── srv0 management

nodes=(client router edge service management)
declare -A address4=([public]=203.0.113.10 [client]=198.51.100.2 [front]=198.18.0.2
  [service]=198.18.10.10 [management]=198.18.20.10)
declare -A address6=([public]=2001:db8:113::10 [client]=2001:db8:51::2 [front]=2001:db8:0:18::2
  [service]=2001:db8:10::10 [management]=2001:db8:20::10)
declare -A gateway4=([service]=198.18.10.1 [management]=198.18.20.1)
declare -A gateway6=([service]=2001:db8:10::1 [management]=2001:db8:20::1)
public_ports="80, 443, 2525"

netns() { echo "dam-$1$suffix"; }
ip_in() { ip -netns "$(netns "$1")" "${@:2}"; }
in_node() {  # NODE COMMAND…; not `ip netns exec`, which would hide /sys/fs/bpf
  nsenter --net="/run/netns/$(netns "$1")" -- "${@:2}"
}

network_up() {
  local node
  for node in "${nodes[@]}"; do
    namespace_up "$node" || return 1
    in_node "$node" sysctl -qw net.ipv6.conf.{all,default}.{accept_dad,accept_ra}=0 \
      net.ipv4.conf.{all,default}.rp_filter=0 || return 1
    ip_in "$node" link set lo up
  done
  # With DPDK the dam owns the edge's ports: the kernel has no address there. With auto it has, as a host's
  # kernel has, and the dam chooses accordingly. It forwards nothing.
  in_node edge sysctl -qw net.ipv6.conf.default.disable_ipv6="$([[ $driver == dpdk ]] && echo 1 || echo 0)" \
    net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0 || return 1
  link client wan0 router wan0 && link router lan0 edge front &&
    link service srv0 edge service && link management srv0 edge management &&
    client_up && router_up && server_up service && server_up management || return 1
  [[ $driver == dpdk ]] || edge_shared
}

# With XDP the edge's kernel has its addresses as on any host, and answers ARP. What XDP sends over a
# veth is taken up only where the other end has a program, too: one that passes everything.
edge_shared() {
  local pass=$state/pass.bpf.o end
  ip_in edge -batch - <<END || return 1
addr replace ${address4[front]}/24 dev front
addr replace ${address6[front]}/64 dev front nodad
addr replace ${gateway4[service]}/24 dev service
addr replace ${gateway6[service]}/64 dev service nodad
addr replace ${gateway4[management]}/24 dev management
addr replace ${gateway6[management]}/64 dev management nodad
END
  clang -target bpf -O2 -g "-I/usr/include/$(uname -m)-linux-gnu" -c "$root/tools/lab.d/pass.bpf.c" \
    -o "$pass" || return 1
  for end in "router lan0" "service srv0" "management srv0"; do
    ip_in "${end% *}" link show "${end#* }" | grep -q xdp ||
      ip_in "${end% *}" link set dev "${end#* }" xdp obj "$pass" sec xdp || return 1
  done
}

# Each namespace that we made bears our mark on its loopback device: a mark there goes when the
# namespace goes, so one that a stranger made later under the same name is not taken for ours.
namespace_mark() {
  [[ -s $state/mark ]] || echo "tools/lab $(cat /proc/sys/kernel/random/uuid)" >"$state/mark"
  cat "$state/mark"
}

namespace_exists() { [[ -e /run/netns/$(netns "$1") ]]; }

namespace_ours() {
  [[ -s $state/mark ]] && namespace_exists "$1" &&
    ip_in "$1" link show lo 2>/dev/null | grep -qxF "    alias $(cat "$state/mark")"
}

namespace_up() {
  if namespace_exists "$1"; then
    namespace_ours "$1" && return 0
    echo "namespace $(netns "$1") is there, and this lab did not make it: take another --name" >&2
    return 1
  fi
  ip netns add "$(netns "$1")" && ip_in "$1" link set lo alias "$(namespace_mark)"
}

# link NODE DEVICE NODE DEVICE: one veth pair, as plain as a real cable.
link() {
  if ! ip_in "$1" link show "$2" >/dev/null 2>&1; then
    ip link add "$2" netns "$(netns "$1")" numtxqueues "$queues" numrxqueues "$queues" type veth \
      peer name "$4" netns "$(netns "$3")" numtxqueues "$queues" numrxqueues "$queues" || return 1
  fi
  port_up "$1" "$2" && port_up "$3" "$4"
}

# veth leaves checksums to "hardware" that is not there and passes on 64 KiB frames: a dam that
# reads frames as they are on a wire needs both off, at either end.
port_up() {
  in_node "$1" ethtool -K "$2" rx off tx off sg off tso off gso off gro off >/dev/null 2>&1
  ip_in "$1" link set "$2" mtu 1500 up
}

client_up() {
  local i
  ip_in client -batch - <<<"$(
    for i in {2..254}; do
      echo "addr replace 198.51.100.$i/24 dev wan0"
      printf 'addr replace 2001:db8:51::%x/64 dev wan0 nodad\n' "$i"
      printf 'addr replace 2001:db8:51:%x::2/128 dev wan0 nodad\n' "$i"  # homes: a /64 each
    done
    echo "route replace default via 198.51.100.1 src ${address4[client]}"
    echo "route replace default via 2001:db8:51::1 src ${address6[client]}"
  )"
}

router_up() {
  ip_in router -batch - <<END || return 1
addr replace 198.51.100.1/24 dev wan0
addr replace 2001:db8:51::1/64 dev wan0 nodad
addr replace 198.18.0.1/24 dev lan0
addr replace 2001:db8:0:18::1/64 dev lan0 nodad
addr replace ${address4[public]}/32 dev lo
addr replace ${address6[public]}/128 dev lo nodad
route replace 2001:db8:51::/48 via ${address6[client]} dev wan0
END
  in_node router nft -f - <<END || return 1
table inet home
delete table inet home
table inet home {
  chain prerouting {
    type nat hook prerouting priority dstnat
    ip daddr ${address4[public]} tcp dport { $public_ports } dnat ip to ${address4[front]}
    ip6 daddr ${address6[public]} tcp dport { $public_ports } dnat ip6 to ${address6[front]}
  }
  chain forward {
    type filter hook forward priority filter; policy drop
    ct state established,related accept
    ct status dnat accept
    iifname "lan0" accept
  }
}
END
  # A TIME_WAIT socket of the router must not swallow what it forwards; odd segments are the dam's
  # to judge, not the router's.
  in_node router sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
    net.ipv4.tcp_early_demux=0 net.netfilter.nf_conntrack_tcp_be_liberal=1
}

# server_up NODE: a network of its own with the dam as the gateway: nothing but the dam's refusal
# keeps the two server networks apart, and `status` tries it.
server_up() {
  ip_in "$1" -batch - <<END
addr replace ${address4[$1]}/24 dev srv0
addr replace ${address6[$1]}/64 dev srv0 nodad
route replace default via ${gateway4[$1]}
route replace default via ${gateway6[$1]}
END
}

network_down() {
  local node device
  if namespace_ours edge; then
    for device in front service management; do ip_in edge link del "$device" 2>/dev/null; done
  fi
  for node in "${nodes[@]}"; do
    if namespace_ours "$node"; then
      ip netns del "$(netns "$node")"
    elif namespace_exists "$node"; then
      say_note "namespace $(netns "$node") stays: this lab did not make it"
    fi
  done
  return 0
}

opens() { in_node "$1" timeout 1 bash -c "exec 3<>/dev/tcp/$2/443" 2>/dev/null; }  # NODE ADDRESS

# networks_tried FROM TO: whether a refusal says anything: FROM's gateway (the dam) answers it, and TO
# serves, at least itself.
networks_tried() {
  in_node "$1" ping -q -c 1 -W 2 "${gateway4[$1]}" >/dev/null 2>&1 &&
    in_node "$1" ping -q -c 1 -W 2 "${gateway6[$1]}" >/dev/null 2>&1 &&
    opens "$2" "${address4[$2]}" && opens "$2" "${address6[$2]}"
}

# networks_apart FROM TO: tries to get from one server to the other; holds when neither family can.
networks_apart() {
  opens "$1" "${address4[$2]}" &
  opens "$1" "${address6[$2]}" && return 1
  wait $! && return 1
  in_node edge sysctl -n net.ipv4.ip_forward net.ipv6.conf.all.forwarding | grep -q 1 && return 1
  return 0
}
