#!/usr/bin/env bash
# Lets 100,000 traces expire while others are sent, or as many as the first argument says, on each database, and keeps what it saw in docs/long/retention.md.
set -euo pipefail
cd "$(dirname "$0")/../.."
traces=${1:-100000}
dotnet build tests/MLflow.Server.Tests -c Release -v quiet </dev/null
run() { MLFLOW_TEST_EXPIRED_TRACES="$traces" artifacts/bin/MLflow.Server.Tests/release/MLflow.Server.Tests -showLiveOutput -method "$1" | grep -o 'expired [0-9].*' | head -n 1; }
{
  echo "# Retention beside ingest"
  echo
  echo "\`eng/long/retention.sh\`, last run on $(date -u +%F), $(nproc) cores, .NET $(dotnet --version), load $(cut -d" " -f1 /proc/loadavg) before it: traces of three spans expire while one client sends traces, one after the other."
  echo
  echo "- SQLite: $(run '*SqliteRetentionTests.Run_BesideIngest*')"
  echo "- PostgreSQL: $(run '*PostgresRetentionTests.Run_BesideIngest*')"
} | tee artifacts/retention.md
mv artifacts/retention.md docs/long/retention.md
