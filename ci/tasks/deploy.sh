#!/usr/bin/env bash
# Deploys the images of one version with deploy-marathon/deploy.sh.
set -euo pipefail

usage() {
  cat <<HELP
usage: MARATHON_URL=URL IMAGE_PREFIX=PREFIX ci/tasks/deploy.sh VERSION_FILE [OPTION...]

Runs deploy-marathon/deploy.sh OPTION... with IMAGE_TAG from VERSION_FILE, which ci/tasks/version.sh wrote.
The environment is that of deploy-marathon/deploy.sh; see its --help.

Exit codes: those of deploy-marathon/deploy.sh; 2 bad input.
HELP
}

case ${1:-} in
  -h | --help)
    usage
    exit 0
    ;;
  '')
    echo "VERSION_FILE is needed; see --help" >&2
    exit 2
    ;;
esac
[ -r "$1" ] || {
  echo "VERSION_FILE=\"$1\": there is no such file, or it cannot be read" >&2
  exit 2
}
IMAGE_TAG=$(cat "$1")
export IMAGE_TAG
shift
cd "$(dirname "$0")/../.."
exec deploy-marathon/deploy.sh "$@"
