#!/usr/bin/env bash
# Fuzzes for an hour, or for as many minutes as the first argument says, what reads the input of others, and keeps what it saw in docs/long/fuzz.md.
# What it finds is in artifacts/fuzz, beside the inputs from which the next run goes on.
set -euo pipefail
cd "$(dirname "$0")/../.."
minutes=${1:-60}
dotnet build eng/long/fuzz -c Release -v quiet </dev/null
built=artifacts/bin/MLflow.Fuzz/release
[ -x artifacts/tools/sharpfuzz ] || dotnet tool install SharpFuzz.CommandLine --version 2.3.0 --tool-path artifacts/tools >/dev/null

# A copy, because what is instrumented counts for nobody else. The tool is of an earlier runtime.
rm -rf artifacts/fuzz/program
mkdir -p artifacts/fuzz
cp -r "$built" artifacts/fuzz/program
for assembly in MLflow.Server MLflow.Tracing dotnet-mlflow Google.Protobuf Parquet; do
  DOTNET_ROLL_FORWARD=Major artifacts/tools/sharpfuzz "artifacts/fuzz/program/$assembly.dll"
done
{
  echo "# Fuzzing"
  echo
  echo "\`eng/long/fuzz.sh $minutes\`, last run on $(date -u +%F) at $(git rev-parse --short HEAD), one thread, .NET $(dotnet --version):"
  echo
  artifacts/fuzz/program/MLflow.Fuzz "$minutes" || true

  # What was asked and what was found stays.
  echo
  sed -n '/^The run is led/,$p' docs/long/fuzz.md
} | tee artifacts/fuzz.md
mv artifacts/fuzz.md docs/long/fuzz.md
