#!/usr/bin/env bash
# Traces five million spans, or as many as the first argument says, and keeps what it saw in docs/long/soak.md. Takes a few minutes.
set -euo pipefail
cd "$(dirname "$0")/../.."
spans=${1:-5000000}
dotnet build benchmarks/MLflow.Benchmarks -c Release -v quiet </dev/null
{
  echo "# Soak"
  echo
  echo "\`eng/long/soak.sh\`, last run on $(date -u +%F), $(nproc) cores, .NET $(dotnet --version):"
  echo
  artifacts/bin/MLflow.Benchmarks/release/MLflow.Benchmarks soak "$spans"
} | tee artifacts/soak.md
mv artifacts/soak.md docs/long/soak.md
