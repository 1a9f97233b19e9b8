#!/usr/bin/env bash
# Builds the images of data-crunch.
set -euo pipefail

roles=(data-engine crunch-engine results-engine tools)

usage() {
  cat <<HELP
usage: build-push/build.sh [ROLE...]

Builds an image for each ROLE (default: all): ${roles[*]}.
Each is tagged PREFIX/ROLE:VERSION and PREFIX/ROLE:latest, and its size is printed.

From the environment:
  IMAGE_PREFIX   registry and folder of the images (default: data-crunch)
  VERSION        version, also a tag (default: that of package.json)
  REVISION       commit that is built (default: that of this checkout)
  NODE_IMAGE     base with Node on Debian (default: as in build-push/Dockerfile)
  DEBIAN_IMAGE   base of the image 'tools' (default: as in build-push/Dockerfile)
  BUILD_NETWORK  network of the build: host, default or none (default: host)

Exit codes: 0 built, 1 a build failed, 2 bad input.
HELP
}

refuse() { # refuse SENTENCE
  echo "$1" >&2
  exit 2
}

for argument in "$@"; do
  case $argument in
    -h | --help)
      usage
      exit 0
      ;;
    *) [[ " ${roles[*]} " == *" $argument "* ]] || refuse "ROLE=\"$argument\": must be one of ${roles[*]}" ;;
  esac
done
[ $# -eq 0 ] || roles=("$@")

cd "$(dirname "$0")/.."
prefix=${IMAGE_PREFIX:-data-crunch}
version=${VERSION:-$(sed -n 's/^  "version": "\(.*\)",$/\1/p' package.json)}
[[ $version =~ ^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$ ]] ||
  refuse "VERSION=\"$version\": must be 1 to 128 letters, digits, dots, - or _, as a tag is"
revision=${REVISION:-$(git rev-parse HEAD 2>/dev/null || echo unknown)}
docker info >/dev/null 2>&1 || refuse "no Docker engine answers: start one, or set DOCKER_HOST"

arguments=(
  --file build-push/Dockerfile
  --network "${BUILD_NETWORK:-host}"
  --build-arg "VERSION=$version"
  --build-arg "REVISION=$revision"
  --build-arg "CREATED=$(date -u +%Y-%m-%dT%H:%M:%SZ)"
)
[ -z "${NODE_IMAGE:-}" ] || arguments+=(--build-arg "NODE_IMAGE=$NODE_IMAGE")
[ -z "${DEBIAN_IMAGE:-}" ] || arguments+=(--build-arg "DEBIAN_IMAGE=$DEBIAN_IMAGE")

for role in "${roles[@]}"; do
  image=$prefix/$role
  echo "building $image:$version" >&2
  docker build "${arguments[@]}" --target "$role" --tag "$image:$version" --tag "$image:latest" . >&2 || exit 1
  bytes=$(docker image inspect --format '{{.Size}}' "$image:$version")
  echo "$image:$version $((bytes / 1000000)) MB"
done
