#!/usr/bin/env bash
# Installs what the tests need beyond the .NET SDK: a Chromium for the browser tests, the fonts that the screenshots are made with, PostgreSQL, which the tests start themselves,
# and, where npm is there, blob stores to test against.
# May be run any number of times; does nothing when all is there. Without it only the tests that need what is missing are skipped.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { echo "setup: $*"; }

if ! command -v dotnet >/dev/null; then
  say "the .NET SDK is not installed; version 10 is needed, see https://dotnet.microsoft.com/download" >&2
  exit 1
fi
if ! sdk=$(dotnet --version 2>&1); then
  echo "$sdk" >&2
  say "no installed .NET SDK satisfies global.json; version 10 is needed, see https://dotnet.microsoft.com/download" >&2
  exit 1
fi
say ".NET SDK $sdk"

# Where Debian puts them, and where the tests look for them: the shell without windows first, which is much faster.
have_shell() { [ -x /usr/bin/chromium-headless-shell ]; }
have_browser() { have_shell || [ -x /usr/bin/chromium ]; }

# No service is needed: the tests make a cluster of their own.
have_postgres() { compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || command -v initdb >/dev/null; }

have_font() { command -v fc-list >/dev/null && [ -n "$(fc-list "$1" family)" ]; }

# Fills "missing" with the names of Debian's packages; the argument says which browser will do.
find_missing() {
  missing=()
  "$1" || missing+=(chromium-headless-shell)
  have_postgres || missing+=(postgresql)
  command -v fc-list >/dev/null || missing+=(fontconfig)
  have_font Inter || missing+=(fonts-inter)
  have_font 'Noto Sans CJK JP' || missing+=(fonts-noto-cjk)
}

# Stores that speak as S3 and Azure do, in the folder of build output: nothing of them ships. s3rver wants uploads in one piece, as our client sends them.
stores=artifacts/stores
if [ -x "$stores/node_modules/.bin/s3rver" ] && [ -x "$stores/node_modules/.bin/azurite-blob" ]; then
  say "s3rver and azurite are there"
elif command -v npm >/dev/null; then
  mkdir -p "$stores"
  if npm install --prefix "$stores" --no-audit --no-fund --silent s3rver@3.7.1 azurite@3.37.0 </dev/null; then
    say "s3rver and azurite are there"
  else
    say "s3rver and azurite could not be installed; tests of S3 and Azure are skipped" >&2
  fi
else
  say "npm is not there; tests of S3 and Azure are skipped" >&2
fi

find_missing have_shell
if [ "${#missing[@]}" -eq 0 ]; then
  say "chromium, fonts and PostgreSQL are there"
  exit 0
fi

cannot() {
  say "$1; missing: ${missing[*]}" >&2
  say "browser tests are skipped without chromium, those of PostgreSQL without it, and screenshots differ without the fonts; install these yourself to have them" >&2
  exit 0
}

command -v apt-get >/dev/null || cannot "this system has no apt-get"
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null && sudo -n true 2>/dev/null || cannot "installing needs root, and sudo without a password is not available"
  as_root=(sudo -n)
fi

# No prompts and no endless waits: this also runs where nobody looks.
apt() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq \
    -o DPkg::Lock::Timeout=120 -o Acquire::Retries=1 -o Acquire::http::Timeout=30 -o Acquire::https::Timeout=30 "$@" </dev/null
}

say "installing ${missing[*]}"
apt update || say "the package lists could not be updated; trying with the old ones" >&2
for package in "${missing[@]}"; do
  apt install -y --no-install-recommends "$package" >/dev/null || say "$package could not be installed" >&2
done
have_browser || apt install -y --no-install-recommends chromium >/dev/null || say "chromium could not be installed" >&2

find_missing have_browser
[ "${#missing[@]}" -eq 0 ] || cannot "apt-get could not install everything"
say "chromium, fonts and PostgreSQL are there"
