#!/usr/bin/env bash
# 64 writers and 16 readers for ten minutes on each database, or for as many as the first argument says; keeps what it saw in docs/long/concurrency.md.
set -euo pipefail
cd "$(dirname "$0")/../.."
minutes=${1:-10}
dotnet build benchmarks/MLflow.Benchmarks -c Release -v quiet </dev/null
{
  echo "# Concurrency"
  echo
  echo "\`eng/long/concurrency.sh $minutes\`, last run on $(date -u +%F), $(nproc) cores, .NET $(dotnet --version):"
  echo
  artifacts/bin/MLflow.Benchmarks/release/MLflow.Benchmarks concurrency "$minutes"
} | tee artifacts/concurrency.md
mv artifacts/concurrency.md docs/long/concurrency.md
