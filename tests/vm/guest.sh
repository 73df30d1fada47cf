# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2044,SC2154  # names of ours; variables of the script that sources this
# A guest of QEMU's, emulated (no KVM), with an Intel IOMMU and PCI NICs whose cables end in network namespaces of this
# machine. For scripts to source, as root, after tools/lib/say.sh and tests/kernel/package.sh (which sets $scratch):
#
#   fetch_kernel build/kernel/dpdk "${guest_files[@]}"   Debian 12's kernel and the modules, unpacked in $unpacked
#   guest_namespace ROLE                                 a namespace; guest_in ROLE COMMAND… runs in it
#   guest_cable ROLE MODEL QUEUES MAC [OPTIONS [DEVICE]] a NIC of the guest, at PCI 00:10.0 and on; its other end is ROLE's DEVICE (eth0)
#   guest_init MODULES… <SCRIPT                          the initrd: the modules are loaded, then SCRIPT (busybox sh) goes on
#   guest_boot SECONDS CPUS MIB [QEMU'S OPTIONS…]        boots; for so long at most
#   guest_do COMMAND                                     in the guest's shell; prints what it prints, returns its status
#   guest_end                                            ends the guest, and removes the namespaces
#
# GUEST_NO_IOMMU=1: the machine has none.
# GUEST_VFIO=FILE: the guest's vfio.ko, in the place of Debian's.
# GUEST_NO_OFFLOADS=1: frames leave and reach the guest as on a wire, none with its checksum left to others.
# SCRIPT may begin with host_files (for guest_boot's -virtfs … mount_tag=host), and ends with guest_shell (both it is given), or starts a shell on /dev/ttyS1 by another way.

guest_name=dam-vm-$$ guest_pid='' guest_devices=() guest_cables=()
# shellcheck disable=SC2034  # for those who source this
guest_files=('./boot/vmlinuz-*' '*/kernel/drivers/virtio/*' '*/kernel/net/9p/*' '*/kernel/fs/9p/*' '*/kernel/fs/netfs/*'
  '*/kernel/fs/fscache/*' '*/kernel/drivers/vfio/*' '*/kernel/virt/lib/*' '*/kernel/drivers/net/virtio_net.ko'
  '*/kernel/drivers/net/net_failover.ko' '*/kernel/net/core/failover.ko' '*/kernel/drivers/net/vmxnet3/*'
  '*/kernel/drivers/net/ethernet/intel/e1000e/*' '*/kernel/drivers/net/tun.ko' '*/kernel/drivers/net/veth.ko'
  '*/kernel/drivers/ptp/*' '*/kernel/drivers/pps/*')

guest_in() { ip netns exec "$guest_name-$1" "${@:2}"; }

guest_namespace() {
  ip netns add "$guest_name-$1" && ip -n "$guest_name-$1" link set lo up
  guest_in "$1" sysctl -qw net.ipv6.conf.default.accept_dad=0
}

guest_cable() {
  local role=$1 model=$2 queues=$3 mac=$4 more=${5:-} device=${6:-eth0} number=${#guest_cables[@]}
  guest_cables+=("$guest_name-$role:$device:$queues")
  guest_devices+=(-netdev "tap,id=cable$number,vhost=off,fds=@$number@"
    -device "$model,netdev=cable$number,mac=$mac,addr=0x$((10 + number))${more:+,$more}")
}

# Opens each cable's device in its namespace (one that is moved there later loses its queues), and becomes QEMU.
guest_launcher='
import fcntl, os, struct, sys
count = int(sys.argv[1])
cables, words = sys.argv[2:2 + count], sys.argv[2 + count:]
home = os.open("/proc/self/ns/net", os.O_RDONLY)
setns = __import__("ctypes").CDLL(None, use_errno=True).setns
for number, (namespace, device, queues) in enumerate(cable.rsplit(":", 2) for cable in cables):
    with open("/run/netns/" + namespace) as place:
        assert setns(place.fileno(), 0) == 0, namespace
    flags = 0x0002 | 0x1000 | (0 if os.environ.get("GUEST_NO_OFFLOADS") else 0x4000) | (0x0100 if int(queues) > 1 else 0)  # TAP, NO_PI, VNET_HDR, MULTI_QUEUE
    files = []
    for _ in range(int(queues)):
        files.append(os.open("/dev/net/tun", os.O_RDWR))
        fcntl.ioctl(files[-1], 0x400454ca, struct.pack("16sH22x", device.encode(), flags))  # TUNSETIFF
        os.set_inheritable(files[-1], True)
    words = [word.replace(f"@{number}@", ":".join(map(str, files))) for word in words]
setns(home, 0)
os.execvp(words[0], words)'

# Prints a module's file, after those of the modules that it needs.
guest_module() {
  local name=${1//-/_} file need
  file=$(find "$unpacked/lib" -name "$name.ko" -o -name "${name//_/-}.ko")
  [[ -n $file ]] || return 0 # built in
  [[ $name != vfio || -z ${GUEST_VFIO:-} ]] || file=$GUEST_VFIO
  for need in $(tr '\0' '\n' <"$file" | sed -n 's/^depends=//p' | tr , ' '); do guest_module "$need"; done
  echo "$file"
}

guest_init() {
  local guest=$scratch/guest module file number=100
  mkdir -p "$guest"/{bin,dev,proc,sys,modules,host}
  cp "$(command -v busybox)" "$guest/bin"
  for module in "$@"; do guest_module "$module"; done | awk '!seen[$0]++' | while read -r file; do
    cp "$file" "$guest/modules/$((number++))-${file##*/}"
  done
  {
    cat <<'INIT'
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
for module in /modules/*; do insmod "$module"; done
host_files() { # this machine's, read only, below /host
  mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=loose,ro host /host
  mount -t bpf bpf /sys/fs/bpf
  for at in proc sys dev; do mount --rbind /$at /host/$at; done
  for at in tmp run; do mount -t tmpfs none /host/$at; done
  mkdir -p /host/dev/shm /host/dev/hugepages
  mount -t tmpfs none /host/dev/shm
  mount -t hugetlbfs none /host/dev/hugepages
  ip link set lo up
}
guest_shell() { # COMMAND…: a shell that the host speaks to
  exec 3</dev/ttyS1 4>/dev/ttyS1 # what comes before it is open is lost
  stty raw -echo <&3
  echo "guest: Linux $(uname -r) is ready"
  dd bs=512 <&3 2>/dev/null | "$@" >&4 2>&1 # no terminal: no prompts; busybox's cat waits for much
  poweroff -f
}
INIT
    cat
  } >"$guest/init"
  chmod +x "$guest/init"
  (cd "$guest" && find . | busybox cpio -o -H newc 2>/dev/null) | gzip -1 >"$scratch/initrd"
}

guest_boot() {
  local seconds=$1 cpus=$2 mib=$3 cable kernel namespace device iommu=(-device "intel-iommu,intremap=on,caching-mode=on")
  shift 3
  [[ -z ${GUEST_NO_IOMMU:-} ]] || iommu=()
  kernel=$(echo "$unpacked"/boot/vmlinuz-*)
  mkfifo "$scratch/shell.in" "$scratch/shell.out"
  timeout "$seconds" python3 -c "$guest_launcher" "${#guest_cables[@]}" "${guest_cables[@]}" qemu-system-x86_64 -machine q35,accel=tcg,kernel-irqchip=split -cpu max -smp "$cpus" \
    -m "$mib" -nodefaults -display none -no-reboot "${iommu[@]}" "${guest_devices[@]}" "$@" \
    -chardev "file,id=console,path=$scratch/console" -serial chardev:console \
    -chardev "pipe,id=shell,path=$scratch/shell" -serial chardev:shell -kernel "$kernel" -initrd "$scratch/initrd" \
    -append "console=ttyS0 quiet panic=-1 no_timer_check intel_iommu=on iommu=nopt ${guest_append:-}" </dev/null >"$scratch/qemu" 2>&1 &
  guest_pid=$!
  exec {guest_to}>"$scratch/shell.in" {guest_from}<"$scratch/shell.out"
  for cable in "${guest_cables[@]}"; do
    IFS=: read -r namespace device _ <<<"$cable"
    guest_until 20 ip -n "$namespace" link set "$device" up || say_die "QEMU does not start: $(tail -n 3 "$scratch/qemu")"
  done
  guest_until "${GUEST_PATIENCE:-240}" grep -q "'guest: Linux .* is ready'" "$scratch/console" ||
    say_die "The guest does not come up: $(tail -n 5 "$scratch/console")"
}

guest_until() { # SECONDS COMMAND…, as for eval
  local end=$((SECONDS + $1))
  shift
  until eval "$*" >/dev/null 2>&1; do
    ((SECONDS < end)) && kill -0 "$guest_pid" 2>/dev/null || return 1
    sleep 0.3
  done
}

guest_do() {
  local line
  printf '{ %s\n} 2>&1 </dev/null; echo "@@ $?"\n' "$1" >&"$guest_to"
  while IFS= read -r -t "${GUEST_PATIENCE:-240}" -u "$guest_from" line; do
    line=${line%$'\r'}
    [[ $line =~ ^(.*)"@@ "([0-9]+)$ ]] || { printf '%s\n' "$line" && continue; }
    [[ -z ${BASH_REMATCH[1]} ]] || printf '%s\n' "${BASH_REMATCH[1]}"
    return "${BASH_REMATCH[2]}"
  done
  echo "The guest does not answer."
  return 124
}

guest_end() {
  local namespace IFS=$' \t\n' # the end may come in the middle of a read with another one
  if [[ -n $guest_pid ]] && kill "$guest_pid" 2>/dev/null; then wait "$guest_pid" 2>/dev/null || true; fi
  for namespace in $(find /run/netns -name "$guest_name*" -printf "%f\n"); do
    ip netns del "$namespace"
  done
}
