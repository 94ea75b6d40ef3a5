#!/usr/bin/env bash
# Kills the server and PostgreSQL sixty times each while clients export, or as often as the first argument says, and keeps what it saw in docs/long/crash.md.
set -euo pipefail
cd "$(dirname "$0")/../.."
kills=${1:-60}
dotnet build benchmarks/MLflow.Benchmarks -c Release -v quiet </dev/null
{
  echo "# Kills"
  echo
  echo "\`eng/long/crash.sh $kills\`, last run on $(date -u +%F), $(nproc) cores, .NET $(dotnet --version):"
  echo
  artifacts/bin/MLflow.Benchmarks/release/MLflow.Benchmarks crash "$kills"
} | tee artifacts/crash.md
mv artifacts/crash.md docs/long/crash.md
