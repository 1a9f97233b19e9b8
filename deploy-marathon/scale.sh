#!/bin/sh
# Starts and stops crunch-engines as the work asks for: deploy-marathon/scale.sh --help
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
if ! command -v node >/dev/null; then
  echo "node is not on the PATH: Node 20.19 or newer is needed" >&2
  exit 2
fi
[ -f "$root/dist/deploy-marathon/scale.js" ] || node "$root/ci/set-up.mjs"
exec node "$root/dist/deploy-marathon/scale.js" "$@"
