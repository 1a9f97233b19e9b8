#!/usr/bin/env bash
# Installs data-crunch as systemd units.
set -euo pipefail

all=(nats data-engine crunch-engine results-engine)

usage() {
  cat <<HELP
usage: sudo deploy-systemd/install.sh [UNIT...]

Installs data-crunch in /opt/data-crunch, its units in /etc/systemd/system and its settings in /etc/data-crunch,
and enables each UNIT (default: all): ${all[*]}. Settings that are there already stay as they are.
It starts nothing; 'systemctl enable --now data-crunch.target' does.

From the environment:
  NODE             the node to run with (default: that of the PATH)
  NATS_SERVER_BIN  the nats-server to run, for the unit nats (default: that of the PATH)

Exit codes: 0 installed, 1 a step failed, 2 bad input.
HELP
}

refuse() { # refuse SENTENCE
  echo "$1" >&2
  exit 2
}

program() { # program NAME SETTING VALUE: its real path, which the units must be able to see
  local path
  path=$(PATH=$PATH:/usr/local/sbin:/usr/sbin command -v "$3") ||
    refuse "$2=\"$3\": there is no such program; install $1, or name it with $2"
  path=$(realpath "$path")
  case $path in
    /home/* | /root/* | /tmp/* | /var/tmp/*)
      refuse "$2=\"$path\": the units see no /home, /root or /tmp; install $1 for the whole machine, such as in /usr/local" ;;
  esac
  echo "$path"
}

units=()
for argument in "$@"; do
  case $argument in
    -h | --help)
      usage
      exit 0
      ;;
    *)
      [[ " ${all[*]} " == *" $argument "* ]] || refuse "UNIT=\"$argument\": must be one of ${all[*]}"
      units+=("$argument")
      ;;
  esac
done
[ ${#units[@]} -gt 0 ] || units=("${all[@]}")

[ "$(id -u)" = 0 ] || refuse "this installs for the whole machine: run it as root"
node=$(program Node NODE "${NODE:-node}")
nats=
[[ " ${units[*]} " != *" nats "* ]] || nats=$(program nats-server NATS_SERVER_BIN "${NATS_SERVER_BIN:-nats-server}")

cd "$(dirname "$0")/.."
umask 022
"$node" ci/set-up.mjs

# Built beside the old one and then put in its place: a failed build leaves the machine as it was.
app=/opt/data-crunch
rm -rf "$app.new"
mkdir -p "$app.new/node_modules/@duckdb" /etc/systemd/system /etc/data-crunch
"$node" build-push/bundle.mjs "$app.new"
cp -r node_modules/@duckdb/node-bindings node_modules/@duckdb/node-bindings-linux-* "$app.new/node_modules/@duckdb/"
cp docs/systemd.md "$app.new/"
ln -s "$node" "$app.new/bin/node"
[ -z "$nats" ] || ln -s "$nats" "$app.new/bin/nats-server"
rm -rf "$app"
mv "$app.new" "$app"

cp -r deploy-systemd/data-crunch.target deploy-systemd/data-crunch-*.service deploy-systemd/data-crunch-.service.d \
  /etc/systemd/system/
for settings in data-crunch.env nats.conf; do
  [ -e "/etc/data-crunch/$settings" ] || cp "deploy-systemd/$settings" /etc/data-crunch/
done
# It may hold passwords; the units read it as root before they become who they are.
chmod 600 /etc/data-crunch/data-crunch.env
systemctl daemon-reload
systemctl enable "${units[@]/#/data-crunch-}"
echo "installed: 'systemctl enable --now data-crunch.target' starts it, 'systemctl restart data-crunch.target' after an update"
