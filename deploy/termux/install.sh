#!/data/data/com.termux/files/usr/bin/sh
# sh install.sh ARCHIVE SHA256: installs Sonde in Termux, or a newer one over an older. SHA256 is what the coordinator gave, by
# another way than the archive. It asks the network for two packages of Termux where they are missing, and for nothing else.
set -eu
umask 077

stop() {
  printf '%s\n' "$1" >&2
  exit 1
}

[ $# -eq 2 ] || stop 'Usage : sh install.sh ARCHIVE SHA256'
archive="$1"
sum="$2"
[ -d "${PREFIX:-/nowhere}/bin" ] || stop 'À lancer dans Termux. / Run this in Termux.'
[ -f "$archive" ] || stop "Fichier absent / no such file : $archive"
case "$sum" in *[!0-9a-f]*) stop 'La somme a 64 signes, 0-9 et a-f. / The sum is 64 signs, 0-9 and a-f.' ;; esac
[ "${#sum}" -eq 64 ] || stop 'La somme a 64 signes, 0-9 et a-f. / The sum is 64 signs, 0-9 and a-f.'
found="$(sha256sum <"$archive" | cut -d ' ' -f 1)"
[ "$found" = "$sum" ] ||
  stop "Ce fichier a été changé ou est incomplet : rien n'est installé. / This file was changed or is not whole: nothing is installed."

missing=
command -v node >/dev/null || missing="$missing nodejs-lts"
command -v termux-job-scheduler >/dev/null || missing="$missing termux-api"
# npm is not needed. The names are split on purpose.
# shellcheck disable=SC2086
if [ -n "$missing" ]; then pkg install -y --no-install-recommends $missing; fi

new="$HOME/sonde.new"
rm -rf "$new"
mkdir "$new"
tar -xzf "$archive" -C "$new" --strip-components=1 || stop 'Archive illisible. / The archive cannot be read.'
version="$(node "$new/sonde.mjs" --version)" ||
  stop 'Il faut Node.js 20.18.1 ou plus : pkg upgrade nodejs-lts / Node.js 20.18.1 or newer is needed.'

# What a newer agent has kept an older one may not understand.
if [ -e "$HOME/sonde/sonde.mjs" ]; then
  before="$(node "$HOME/sonde/sonde.mjs" --version || echo 'sonde 0')"
  newest="$(printf '%s\n%s\n' "$before" "$version" | sort -V | tail -n 1)"
  [ "$newest" = "$version" ] || stop "$before est plus récent que $version. / is newer. Rien n'est changé. / Nothing is changed."
fi

if [ -e "$HOME/sonde/config.json" ]; then
  cp "$HOME/sonde/config.json" "$new/config.json"
else
  echo '{ "probe_cc": "ZZ", "network_type": "mobile" }' >"$new/config.json"
fi
rm -rf "$HOME/sonde.old"
if [ -e "$HOME/sonde" ]; then mv "$HOME/sonde" "$HOME/sonde.old"; fi
mv "$new" "$HOME/sonde"
rm -rf "$HOME/sonde.old"

boot="$HOME/.termux/boot"
mkdir -p "$boot" "$HOME/.local/state/sonde"
for each in "$boot"/*/; do
  [ ! -d "$each" ] || stop "Un dossier dans ~/.termux/boot empêche le démarrage : enlevez-le, puis recommencez. / A folder there keeps everything from starting: remove it, then do this again. $each"
done
install -m 700 "$HOME/sonde/boot" "$boot/sonde"
install -m 700 "$HOME/sonde/sonde" "$PREFIX/bin/sonde"
chmod 700 "$HOME/sonde/watchdog"

# It waits for ever where the app Termux:API is missing. battery-not-low is true unless said, which would leave a weak phone alone.
timeout -k 2 20 termux-job-scheduler --job-id 7102 --script "$HOME/sonde/watchdog" --period-ms 900000 --network any \
  --battery-not-low false --persisted true </dev/null >/dev/null 2>&1 ||
  echo 'Termux:API ne répond pas : installez cette application (F-Droid), puis recommencez. / Termux:API does not answer: install that app, then do this again.' >&2

# An agent of before goes on with the old file until it is started again.
if [ -r "$HOME/.local/state/sonde/lock" ]; then
  read -r pid _ <"$HOME/.local/state/sonde/lock" || pid=0
  case "$pid" in '' | *[!0-9]*) pid=0 ;; esac
  if [ "$pid" -gt 1 ] && tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null | grep -q 'sonde\.mjs$'; then kill -TERM "$pid"; fi
fi
echo "$version"
