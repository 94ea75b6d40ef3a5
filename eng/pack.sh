#!/usr/bin/env bash
# Packs what is published into artifacts/packages, and prints the size of each package and what it brings with it.
# With --write the table goes into docs/dependencies.md.
set -euo pipefail
cd "$(dirname "$0")/.."
# The order of the table is the same in every language.
export DOTNET_NOLOGO=true DOTNET_CLI_TELEMETRY_OPTOUT=true LC_ALL=C.UTF-8

packages=artifacts/packages
rm -rf "$packages"
for project in MLflow.Tracing MLflow.Extensions.AI MLflow.AspNetCore MLflow.Server MLflow.Cli; do
  dotnet pack "src/$project" -c Release -o "$packages" -v quiet </dev/null
done

# What a project gets that references the package and nothing else: every package of its restore, ours and others', with those that an OpenAI user has anyway apart.
tree() {
  local name="$1" work
  work=$(mktemp -d)
  cat > "$work/tree.csproj" <<PROJECT
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <TargetFramework>net10.0</TargetFramework>
    <RestoreAdditionalProjectSources>$PWD/$packages</RestoreAdditionalProjectSources>
    <RestorePackagesPath>$work/packages</RestorePackagesPath>
    <RestoreFallbackFolders>${NUGET_PACKAGES:-$HOME/.nuget/packages}</RestoreFallbackFolders>
  </PropertyGroup>
  <ItemGroup><PackageReference Include="$name" Version="*" /></ItemGroup>
</Project>
PROJECT
  echo '<Project />' > "$work/Directory.Build.props"
  echo '<Project />' > "$work/Directory.Build.targets"
  dotnet restore "$work/tree.csproj" -v quiet </dev/null >&2
  dotnet list "$work/tree.csproj" package --include-transitive --format json </dev/null | grep -oP '"id": "\K[^"]+' | grep -vx "$name" | sort -u
  rm -rf "$work"
}

openai=$(tree OpenAI; echo OpenAI)
table() {
  echo "| package | size, KB | brings, beside what an \`OpenAI\` user has |"
  echo "|---|---|---|"
  for file in "$packages"/*.nupkg; do
    local id size more
    id=$(basename "$file" | sed -E 's/\.[0-9]+\.[0-9]+\.[0-9]+.*//')
    size=$(($(stat -c %s "$file") / 1024))
    if [ "$id" = MLflow.Tool ]; then
      more="nothing: a tool has all inside"
    else
      more=$(comm -23 <(tree "$id") <(sort -u <<< "$openai") | sed 's/.*/`&`/' | paste -sd' ' | sed 's/ /, /g')
    fi
    echo "| \`$id\` | $size | ${more:-nothing} |"
  done
}

result=$(table)
echo "$result"
if [ "${1:-}" = --write ]; then
  awk -v table="$result" '/^<!-- packages -->$/ { print; print table; skip = 1; next } /^<!-- end -->$/ { skip = 0 } !skip' docs/dependencies.md > artifacts/dependencies.md
  mv artifacts/dependencies.md docs/dependencies.md
fi
