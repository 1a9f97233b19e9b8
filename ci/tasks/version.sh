#!/usr/bin/env bash
# Names what a commit builds.
set -euo pipefail

usage() {
  cat <<HELP
usage: ci/tasks/version.sh OUT_FOLDER

Writes into OUT_FOLDER, for the commit that is checked out:
  version      VERSION-COMMIT, such as 0.1.0-1a2b3c4: the version of package.json and the short commit
  tags         the tags that its images get: the same
  build-args   arguments of build-push/Dockerfile, one NAME=VALUE a line

Exit codes: 0 written, 2 bad input.
HELP
}

refuse() { # refuse SENTENCE
  echo "$1" >&2
  exit 2
}

case ${1:-} in
  -h | --help)
    usage
    exit 0
    ;;
  '') refuse "OUT_FOLDER is needed; see --help" ;;
esac
[ -d "$1" ] || refuse "OUT_FOLDER=\"$1\": there is no such folder"
out=$(cd "$1" && pwd)
cd "$(dirname "$0")/../.."

# Concourse leaves the commit in a file, so that its images need no git.
if [ -r .git/ref ]; then
  revision=$(cat .git/ref)
else
  revision=$(git rev-parse HEAD 2>/dev/null) || refuse "this is no checkout of a commit: neither .git/ref nor git tells which"
fi
[[ $revision =~ ^[0-9a-f]{40}([0-9a-f]{24})?$ ]] || refuse "revision \"$revision\": must be the 40 or 64 hex digits of a commit"
version=$(sed -n 's/^  "version": "\(.*\)",$/\1/p' package.json)-${revision:0:7}

echo "$version" >"$out/version"
echo "$version" >"$out/tags"
cat >"$out/build-args" <<ARGS
VERSION=$version
REVISION=$revision
CREATED=$(date -u +%Y-%m-%dT%H:%M:%SZ)
ARGS
cat "$out/build-args"
