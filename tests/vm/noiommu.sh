# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2154  # variables of the script that sources this
# vfio for machines without an IOMMU. Debian 12's kernel and 13's have no CONFIG_VFIO_NOIOMMU, so whoever wants it builds this one
# module of theirs anew, as is done here. To be sourced after tests/kernel/package.sh (which sets $scratch) and tools/lib/say.sh.

# vfio_without_iommu KERNEL FILE: Debian's headers and source of that kernel, and vfio.ko of them with that option; nothing is installed.
vfio_without_iommu() {
  local kernel=$1 file=$2 at=$scratch/noiommu headers needs=()
  headers=linux-headers-$kernel
  mapfile -t needs < <(apt-cache depends "$headers" | awk '$1 == "Depends:" && $2 ~ /^linux-(headers|kbuild)/ { print $2 }')
  ((${#needs[@]} == 2)) || say_die "apt knows no whole $headers." "sudo apt-get update"
  needs+=("$headers" "linux-source-$(cut -d. -f1,2 <<<"$kernel")")
  mkdir -p "$at"
  (cd "$at" && apt-get download -q "${needs[@]}" >apt.log 2>&1) || say_die "apt-get download: $(tail -n 1 "$at/apt.log")" "sudo apt-get update"
  for package in "$at"/linux-{headers,kbuild}-*.deb; do dpkg-deb -x "$package" "$at"; done
  dpkg-deb --fsys-tarfile "$at"/linux-source-*.deb | tar -xO --wildcards './usr/src/linux-source-*.tar.xz' | tar -xJ -C "$at" --wildcards --strip-components 1 '*/drivers/vfio'
  echo "include $at/usr/src/${needs[0]}/Makefile" >"$at/usr/src/$headers/Makefile" # it names a place that is not here
  make -s -C "$at/usr/src/$headers" "M=$at/drivers/vfio" KCFLAGS=-DCONFIG_VFIO_NOIOMMU=1 vfio.ko >"$at/make.log" 2>&1 ||
    say_die "vfio.ko: $(tail -n 3 "$at/make.log")"
  mkdir -p "$(dirname "$file")"
  strip -g -o "$file.new" "$at/drivers/vfio/vfio.ko"
  mv "$file.new" "$file"
  rm -rf "$at"
}

# fetch_noiommu KERNEL: $noiommu_vfio, for that one (6.1.0-57-amd64); once.
fetch_noiommu() {
  local kernel=$1
  noiommu_vfio=build/kernel/noiommu/$kernel/vfio.ko
  [[ -e $noiommu_vfio ]] || vfio_without_iommu "$kernel" "$noiommu_vfio"
}
