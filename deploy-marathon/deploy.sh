#!/bin/sh
# Deploys the engines to Marathon: deploy-marathon/deploy.sh --help
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
if ! command -v node >/dev/null; then
  echo "node is not on the PATH: Node 20.19 or newer is needed" >&2
  exit 2
fi
[ -f "$root/dist/deploy-marathon/deploy.js" ] || node "$root/ci/set-up.mjs"
exec node "$root/dist/deploy-marathon/deploy.js" "$@"
