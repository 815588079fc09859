#!/usr/bin/env bash
# as-ordinary-user.sh [REPORT [FOLDER...]]: the network suite (test/lab and test/scenarios, or the folders named) by
# somebody who is not root: whoever calls this, or, when that is root, a user made for it and removed at the end.
# `npm run build` comes first. REPORT gets vitest's JSON. Exit 77 says that it did not run, and stderr why; anything else is the suite's own.
set -euo pipefail
cd "$(dirname "$0")/../.."
report=$(realpath -m "${1:-/dev/null}")
folders=("${@:2}")
if [ "${#folders[@]}" -eq 0 ]; then folders=(test/lab test/scenarios); fi

cannot() {
  echo "$1" >&2
  exit 77
}

as_user=()
home=$(mktemp -d)
if [ "$(id -u)" -eq 0 ]; then
  name=sonde-test-$$
  useradd --no-create-home --home-dir "$home" --shell /bin/sh "$name" || cannot "no user could be made"
  trap 'userdel --force "$name" || true; rm -rf "$home"' EXIT
  chown "$name" "$home"
  as_user=(setpriv "--reuid=$name" "--regid=$name" --init-groups --inh-caps=-all)
else
  trap 'rm -rf "$home"' EXIT
fi
as_user+=(env "HOME=$home" "TMPDIR=$home" SONDE_SCENARIOS=1)

"${as_user[@]}" unshare --user --map-root-user --net true || cannot "user namespaces cannot be had"
"${as_user[@]}" node node_modules/vitest/vitest.mjs --version >/dev/null || cannot "the user cannot read $PWD, or cannot run node"
status=0
"${as_user[@]}" node node_modules/vitest/vitest.mjs run "${folders[@]}" --configLoader=runner \
  --reporter=default --reporter=json --outputFile.json="$home/report.json" || status=$?
# Without a report there is nothing to say but that it failed.
if [ -f "$home/report.json" ] && [ "$report" != /dev/null ]; then cp "$home/report.json" "$report"; fi
exit "$status"
