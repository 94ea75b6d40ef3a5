#!/usr/bin/env bash
# Declares the public members that the build reports as undeclared (RS0016) in each project's PublicAPI.Unshipped.txt.
# Read the diff as a design: what stands there is a promise to users.
set -euo pipefail
cd "$(dirname "$0")/.."
for project in src/*/; do
  file="$project/PublicAPI.Unshipped.txt"
  [ -f "$file" ] || continue
  added=$(dotnet build "$project" --no-incremental 2>&1 | grep -oP "RS0016: Symbol '\K.*(?=' is not part of the declared)" | sort -u || true)
  [ -n "$added" ] || continue
  { echo '#nullable enable'; { grep -v '^#nullable' "$file" || true; echo "$added"; } | LC_ALL=C sort -u; } > "$file.new"
  mv "$file.new" "$file"
done
