# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Debian 12's kernel for QEMU: out of the package that linux-image-amd64 names, without installing it.

for need in qemu-system-x86_64 busybox; do
  command -v "$need" >/dev/null || say_die "$need is not installed." "sudo tools/packages kernel"
done
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# fetch_kernel FOLDER FILES…: unpacks the package's FILES (of tar: '*' is any) below FOLDER/PACKAGE, which $unpacked
# names; once: what is there already is taken as it is.
fetch_kernel() {
  local folder=$1 package
  shift
  package=$(apt-cache depends linux-image-amd64 2>/dev/null | awk '$1 == "Depends:" { print $2; exit }')
  [[ -n $package ]] || say_die "apt knows no package linux-image-amd64." "sudo apt-get update"
  unpacked=$folder/$package
  [[ ! -d $unpacked ]] || return 0
  mkdir -p "$folder" "$scratch/unpacked"
  (cd "$scratch" && apt-get download -q "$package" >apt.log 2>&1) ||
    say_die "apt-get download $package: $(tail -n 1 "$scratch/apt.log")" "sudo apt-get update"
  dpkg-deb --fsys-tarfile "$scratch"/linux-image-*.deb | tar -x -C "$scratch/unpacked" --wildcards "$@"
  mv -T "$scratch/unpacked" "$unpacked" 2>/dev/null || [[ -d $unpacked ]] # another one was faster
}

# boot_guest SECONDS KERNEL OPTIONS…: what $scratch/guest holds, with QEMU's own OPTIONS; its console on stdout. An
# emulated timer that is late on a busy host is no broken one: no_timer_check.
boot_guest() {
  local seconds=$1 image=$2
  shift 2
  (cd "$scratch/guest" && find . | busybox cpio -o -H newc 2>/dev/null) | gzip -1 >"$scratch/initrd"
  timeout "$seconds" qemu-system-x86_64 -accel tcg -cpu max -smp 1 -nic none -nographic -no-reboot "$@" \
    -kernel "$image" -initrd "$scratch/initrd" -append "console=ttyS0 quiet panic=-1 no_timer_check" \
    </dev/null 2>&1 | sed -u 's,\r,,g'
}
