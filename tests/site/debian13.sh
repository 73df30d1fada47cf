# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# What only Debian 13 has: Compose v2, and PostgreSQL 17 with pgvector. Taken from the archive that this machine has Debian
# from, signatures checked by Debian's own keys, unpacked and not installed; kept in build/site.
cache=$PWD/build/site
# Without what services ask for at installation: nothing in there is set up, only unpacked.
root_packages="postgresql-17-pgvector nginx bash coreutils base-files"

archive() { # apt knows an archive by what it has read of it
  known_archive | grep . || { apt-get update -q >&2 && known_archive; }
}
# shellcheck disable=SC2016  # apt fills it in
known_archive() { apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | head -n 1; }

# get_compose: the program's path is $compose.
get_compose() {
  local dir=$cache/apt deb
  compose=$cache/compose/usr/libexec/docker/cli-plugins/docker-compose
  [[ ! -x $compose ]] || return 0
  rm -rf "$dir" && mkdir -p "$dir"/{lists/partial,cache/archives/partial,parts}
  : >"$dir/status"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(archive) trixie main" >"$dir/sources.list"
  cat >"$dir/apt.conf" <<END
Dir::Etc::sourcelist "$dir/sources.list"; Dir::Etc::sourceparts "-"; Dir::Etc::parts "$dir/parts"; Dir::Etc::preferencesparts "$dir/parts";
Dir::State::lists "$dir/lists"; Dir::State::status "$dir/status"; Dir::Cache "$dir/cache"; Acquire::Languages "none"; APT::Sandbox::User "root";
END
  (cd "$dir" && export APT_CONFIG=$dir/apt.conf && apt-get update -q && apt-get download -q docker-compose) || return 1
  deb=$(ls "$dir"/docker-compose_2*.deb) && dpkg-deb -x "$deb" "$cache/compose" && rm -rf "$dir"
}

# get_root: a Debian 13 with PostgreSQL and nginx, $debian13.
get_root() {
  debian13=$cache/debian13
  [[ ! -e $debian13/complete ]] || return 0
  rm -rf "$debian13" && mkdir -p "$cache"
  mmdebstrap --quiet --mode=root --variant=extract --include="$root_packages" --dpkgopt=force-unsafe-io \
    --aptopt='APT::Install-Recommends "false"' trixie "$debian13" "$(archive)" || return 1
  printf '%s\n' root:x:0:0::/root:/bin/sh nobody:x:65534:65534::/:/bin/false postgres:x:999:999::/srv:/bin/bash >"$debian13/etc/passwd"
  printf '%s\n' root:x:0: nogroup:x:65534: nobody:x:65533: postgres:x:999: >"$debian13/etc/group"
  ln -sf bash "$debian13/usr/bin/sh"  # PostgreSQL asks the shell
  touch "$debian13/complete"
}
