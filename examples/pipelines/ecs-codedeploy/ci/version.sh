#!/usr/bin/env bash
# Prints the version of this build, from pyproject.toml and the environment that it is for:
#   production   the version itself; the commit must have the tag v and that version, and be on main
#   staging      1.2.0-rc.57.g1a2b3c4, for branches release/* and hotfix/*
#   development  1.2.0-dev.57.g1a2b3c4, for the branch develop
# The number counts commits, so a later build is a newer version.
set -euo pipefail
fail() {
  printf 'ci/version.sh: %s\n' "$*" >&2
  exit 1
}

version=$(sed -n 's/^version = "\(.*\)"$/\1/p' pyproject.toml)
[[ $version =~ ^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)$ ]] ||
  fail "pyproject.toml has the version '$version'; write MAJOR.MINOR.PATCH"

case ${ENVIRONMENT:?} in
  production)
    git fetch --quiet --tags origin
    tags=$(git tag --points-at HEAD 'v*')
    grep --quiet --line-regexp --fixed-strings "v$version" <<<"$tags" ||
      fail "pyproject.toml says $version, and the commit has the tags '${tags//$'\n'/ }'; tag it v$version, or correct the version"
    git fetch --quiet origin main
    git merge-base --is-ancestor HEAD FETCH_HEAD || fail "the tag v$version is not on main; merge, then tag main"
    printf '%s\n' "$version"
    ;;
  staging | development)
    kind=$([[ $ENVIRONMENT == staging ]] && echo rc || echo dev)
    printf '%s-%s.%s.g%s\n' "$version" "$kind" "$(git rev-list --count HEAD)" "$(git rev-parse --short=7 HEAD)"
    ;;
  *) fail "ENVIRONMENT is '$ENVIRONMENT'; it is production, staging or development" ;;
esac
