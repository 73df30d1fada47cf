# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2154  # $here: the script's own folder
# How `prepare` and `renew-certificates` read the .env files: as Compose does, what the environment says comes first.

die() { # SENTENCE WHAT-TO-DO
  printf '%s: %s\n  → %s\n' "${0##*/}" "$1" "$2" >&2
  exit 2
}

# A value as Compose reads it: the last one counts, quotes are taken off. Nothing in the file is run.
from_file() { # FILE NAME
  [[ -r $1 ]] || return 0
  sed -n "s/^$2=//p" "$1" | tail -n 1 | sed -E "s/^\"(.*)\"\$/\1/; s/^'(.*)'\$/\1/"
}

# A role's folder lies beside the script; where it was moved alone with the script, it is the script's own.
folder_of() { if [[ -d $here/$1-server ]]; then echo "$here/$1-server"; else echo "$here"; fi; }

setting() { # ROLE NAME: MAIN_NAME or SUB_NAME
  local name=${1^^}_$2
  if [[ -n ${!name+set} ]]; then echo "${!name}"; else from_file "$(folder_of "$1")/.env" "$name"; fi
}

roles_here() {
  local profiles=${COMPOSE_PROFILES-$(from_file "$here/.env" COMPOSE_PROFILES)} role roles=''
  for role in ${profiles//,/ }; do
    if [[ $role == main || $role == sub ]]; then roles+=" $role"; fi
  done
  [[ -n $roles ]] || die "COMPOSE_PROFILES is \"$profiles\": neither main nor sub." "Write COMPOSE_PROFILES=main or =sub into $here/.env"
  echo "${roles# }"
}

names_of() { # the names that a role needs certificates for
  local names
  case $1 in
    main) names="$(setting main PAGES) $(setting main API)" ;;
    sub) names=$(setting sub NAME) ;;
  esac
  [[ $names =~ ^[a-z0-9.\ -]+$ ]] || die "\"$names\" are no names of servers." "$(folder_of "$1")/.env"
  echo "$names"
}

files_of() { # where a role's certificates and pages are
  local files
  files=$(setting "$1" FILES)
  [[ $files == /* ]] || files=$(folder_of "$1")/${files:-srv}
  realpath -m "$files"
}
