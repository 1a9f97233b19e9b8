#!/usr/bin/env bash
# Pushes the images of data-crunch that build.sh built.
set -euo pipefail

roles=(data-engine crunch-engine results-engine tools)

usage() {
  cat <<HELP
usage: IMAGE_PREFIX=REGISTRY/FOLDER build-push/push.sh [--dry-run] [ROLE...]

Pushes PREFIX/ROLE:VERSION and PREFIX/ROLE:latest for each ROLE (default: all): ${roles[*]}.
Build them with the same IMAGE_PREFIX first. Credentials are those of 'docker login'.

  --dry-run      say what would be pushed, push nothing

From the environment:
  IMAGE_PREFIX   registry and folder, such as registry.example.com/team; no default
  VERSION        version to push (default: that of package.json)
  PUSH_LATEST    'no' leaves the tag latest alone (default: yes)

Exit codes: 0 pushed, 1 a push failed, 2 bad input.
HELP
}

refuse() { # refuse SENTENCE
  echo "$1" >&2
  exit 2
}

run=()
asked=()
for argument in "$@"; do
  case $argument in
    -h | --help)
      usage
      exit 0
      ;;
    --dry-run) run=(echo) ;;
    *)
      [[ " ${roles[*]} " == *" $argument "* ]] || refuse "ROLE=\"$argument\": must be one of ${roles[*]}"
      asked+=("$argument")
      ;;
  esac
done
[ ${#asked[@]} -eq 0 ] || roles=("${asked[@]}")

cd "$(dirname "$0")/.."
prefix=${IMAGE_PREFIX:-}
[ -n "$prefix" ] || refuse "IMAGE_PREFIX is needed: the registry and folder to push to; see --help"
version=${VERSION:-$(sed -n 's/^  "version": "\(.*\)",$/\1/p' package.json)}
latest=${PUSH_LATEST:-yes}
[[ $latest == yes || $latest == no ]] || refuse "PUSH_LATEST=\"$latest\": must be yes or no"
docker info >/dev/null 2>&1 || refuse "no Docker engine answers: start one, or set DOCKER_HOST"

tags=("$version")
[ "$latest" = no ] || tags+=(latest)
# All are looked for before the first is pushed: half a release is worse than none.
for role in "${roles[@]}"; do
  for tag in "${tags[@]}"; do
    docker image inspect "$prefix/$role:$tag" >/dev/null 2>&1 ||
      refuse "there is no image $prefix/$role:$tag; build it with IMAGE_PREFIX=$prefix VERSION=$version build-push/build.sh $role"
  done
done
for role in "${roles[@]}"; do
  for tag in "${tags[@]}"; do
    "${run[@]}" docker push "$prefix/$role:$tag" || exit 1
  done
done
